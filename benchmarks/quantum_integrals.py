"""Molecular integrals of the quantum room: run once with PySCF in an environment of its own.

    python benchmarks/quantum_integrals.py src/gigawatt/catalog/data/quantum

Writes one JSON file a molecule: integrals over molecular orbitals of the active space (chemists' order
(pq|rs), symmetric pairs once), the energy of nuclei and frozen core, and PySCF's own energies. The package
reads these files and never imports PySCF.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyscf
from pyscf import ao2mo, fci, gto, mcscf, scf

H2 = [round(0.3 + 0.05 * i, 3) for i in range(15)] + [0.735, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0]
#: name: (atoms at a bond length, bond lengths, active electrons and orbitals or all)
MOLECULES = {
    "h2": (lambda r: f"H 0 0 0; H 0 0 {r}", sorted(H2), None),
    "lih": (lambda r: f"Li 0 0 0; H 0 0 {r}", [1.2, 1.4, 1.6, 1.8, 2.0, 2.4], (2, 5)),
    "h4": (lambda r: "; ".join(f"H 0 0 {i * r}" for i in range(4)), [0.8, 0.9, 1.0, 1.2, 1.5], None),
    "beh2": (lambda r: f"Be 0 0 0; H 0 0 {r}; H 0 0 {-r}", [1.1, 1.3, 1.5, 1.8], (4, 6)),
}
NAMES = {"h2": "hydrogen", "lih": "lithium hydride", "h4": "chain of four hydrogen atoms",
         "beh2": "beryllium hydride"}  # fmt: skip


def run(atoms: str, active: tuple[int, int] | None) -> dict[str, object]:
    """Integrals and energies of one geometry in STO-3G."""
    mol = gto.M(atom=atoms, basis="sto-3g", unit="Angstrom", verbose=0)
    field = scf.RHF(mol)
    field.conv_tol = 1e-13
    field.kernel()
    full = fci.FCI(field)
    full.conv_tol = 1e-13
    exact = float(full.kernel()[0])
    orbitals = mol.nao
    electrons = mol.nelectron
    if active is None:
        one = field.mo_coeff.T @ field.get_hcore() @ field.mo_coeff
        two = ao2mo.restore(1, ao2mo.kernel(mol, field.mo_coeff), orbitals)
        constant, inner, first = float(mol.energy_nuc()), exact, 0
    else:
        electrons, orbitals = active
        space = mcscf.CASCI(field, orbitals, electrons)
        space.fcisolver.conv_tol = 1e-13
        inner = float(space.kernel()[0])
        one, constant = space.get_h1eff()
        two = ao2mo.restore(1, space.get_h2eff(), orbitals)
        first = (mol.nelectron - electrons) // 2
    return {
        "electrons": electrons,
        "orbitals": orbitals,
        "frozen": first,
        "constant": float(constant),
        "hartree_fock": float(field.e_tot),
        "full": exact,
        "active": inner,
        "one": [float(f"{one[p, q]:.13e}") for p in range(orbitals) for q in range(p + 1)],
        "two": [
            float(f"{two[p, q, r, s]:.13e}")
            for p in range(orbitals)
            for q in range(p + 1)
            for r in range(p + 1)
            for s in range(r + 1)
            if (p, q) >= (r, s)
        ],
    }


def main(folder: str) -> None:
    for name, (atoms, lengths, active) in MOLECULES.items():
        rows = {f"{r:g}": run(atoms(r), active) for r in lengths}
        document = {
            "name": NAMES[name],
            "basis": "sto-3g",
            "made_with": f"PySCF {pyscf.__version__}, numpy {np.__version__}",
            "script": "benchmarks/quantum_integrals.py",
            "unit": "bond lengths in 1e-10 m, energies and integrals in hartree",
            "geometries": rows,
        }
        (Path(folder) / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
        for r, row in rows.items():
            print(name, r, *(f"{row[k]:.8f}" for k in ("hartree_fock", "active", "full")))


if __name__ == "__main__":
    main(sys.argv[1])
