"""Physics of a plant in orbit: oracles of others, limits, signs, books that balance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.power.plants.space_solar.air import cloud_loss, gas_loss, passes, rain_coefficients, rain_loss
from gigawatt.power.plants.space_solar.beam import (
    LIGHT,
    aperture_product,
    collection_efficiency,
    ground_density,
    keep_out_radius,
    optimum_efficiency,
    sidelobe,
    tapered_collection,
)
from gigawatt.power.plants.space_solar.chain import (
    STEFAN_BOLTZMANN,
    cell_temperature,
    irradiance,
    power_chain,
    radiation_remaining,
)
from gigawatt.power.plants.space_solar.compute import earth_view, orbital_compute, radiator_flux
from gigawatt.power.plants.space_solar.laser import laser_link
from gigawatt.power.plants.space_solar.orbit import (
    EARTH_RADIUS,
    Orbit,
    earth_orbit,
    elevation_and_range,
    geostationary,
    in_earth_frame,
    kepler,
    lit_share,
    node_rate,
    period,
    positions,
    site_position,
    sun,
    sun_synchronous_inclination,
)
from gigawatt.power.plants.space_solar.rectenna import physical_beam, rectenna_efficiency
from gigawatt.power.plants.space_solar.year import (
    constellation,
    eclipse_by_day,
    hourly_share,
)

few = settings(deadline=None, max_examples=20, derandomize=True)
START = 8400.5  # 2023-01-01 12:00 minus 12 h, in days since 2000-01-01 12:00


# Orbits


def test_periods_of_textbooks() -> None:
    # Vallado: a day of 86,164 s at 42,164 km; a circle at 400 km turns in 92.6 min
    geo = geostationary(longitude=0.0, days_since_2000=START)
    assert geo.semi_major_axis == pytest.approx(42_164.17e3, abs=200)
    assert period(geo) == pytest.approx(86_164.09, abs=0.01)
    assert period(Orbit(EARTH_RADIUS + 400e3)) / 60 == pytest.approx(92.56, abs=0.05)


def test_node_of_the_space_station_drifts_five_degrees_a_day() -> None:
    station = earth_orbit(perigee_altitude=415e3, apogee_altitude=420e3, inclination=math.radians(51.6))
    assert math.degrees(node_rate(station)) * 86400 == pytest.approx(-5.0, abs=0.1)


def test_sun_synchronous_orbit_turns_once_a_year_and_ends_where_it_must() -> None:
    axis = EARTH_RADIUS + 700e3
    tilt = sun_synchronous_inclination(semi_major_axis=axis)
    assert math.degrees(tilt) == pytest.approx(98.19, abs=0.02)  # Landsat: 98.2 deg at 705 km
    assert node_rate(Orbit(axis, inclination=tilt)) * 365.2422 * 86400 == pytest.approx(2 * math.pi, rel=1e-7)
    with pytest.raises(InputError, match="no orbit of this height"):
        sun_synchronous_inclination(semi_major_axis=EARTH_RADIUS + 6200e3)


@few
@given(st.floats(0.0, 0.95), st.floats(-50.0, 50.0))
def test_kepler_solves_its_equation(eccentricity: float, mean: float) -> None:
    found = float(kepler(mean_anomaly=mean, eccentricity=eccentricity))
    wrapped = math.remainder(mean, 2 * math.pi)
    assert abs(math.remainder(found - eccentricity * math.sin(found) - wrapped, 2 * math.pi)) < 1e-11


def test_energy_and_momentum_stay_on_an_ellipse() -> None:
    orbit = earth_orbit(perigee_altitude=1e6, apogee_altitude=39.9e6, inclination=1.1, kept=True)
    time = np.linspace(0.0, period(orbit), 50)
    step = 0.01
    place = positions(orbit, time)
    speed = (positions(orbit, time + step) - positions(orbit, time - step)) / (2 * step)
    energy = np.sum(speed**2, axis=1) / 2 - 3.986004418e14 / np.linalg.norm(place, axis=1)
    assert energy == pytest.approx(-3.986004418e14 / (2 * orbit.semi_major_axis), rel=1e-6)
    spin = np.cross(place, speed)
    assert np.ptp(spin, axis=0) == pytest.approx(np.zeros(3), abs=1e-6 * np.linalg.norm(spin[0]))


def test_geostationary_satellite_stands_still_over_its_longitude() -> None:
    time = np.linspace(0.0, 20 * 86400.0, 200)
    orbit = geostationary(longitude=-100.0, days_since_2000=START)
    spot = positions(orbit, time)
    days = START + time / 86400.0
    assert np.degrees(in_earth_frame(spot, days)) == pytest.approx(-100.0, abs=0.01)
    place, zenith = site_position(latitude=0.0, longitude=-100.0, days_since_2000=days)
    elevation, distance = elevation_and_range(spot, place, zenith)
    assert np.degrees(elevation) == pytest.approx(90.0, abs=0.05)
    assert distance == pytest.approx(35_786e3, rel=1e-4)


def test_limit_of_sight_of_a_geostationary_satellite() -> None:
    # Soop: seen from the ground up to 81.3 deg of latitude (a round Earth)
    days = np.array([START])
    spot = positions(geostationary(longitude=0.0, days_since_2000=START), [0.0])

    def at(phi: float):
        return site_position(latitude=phi, longitude=0.0, days_since_2000=days)

    low, high = (math.degrees(float(elevation_and_range(spot, *at(phi))[0][0])) for phi in (81.0, 81.7))
    assert high < 0.0 < low


def test_sun_of_the_almanac() -> None:
    # Equinox 2023-03-20 21:24 UT, solstice 2023-06-21 14:58 UT, perihelion 2023-01-04 16:17 UT (0.98329 au)
    def day(text: str) -> float:
        return float((np.datetime64(text) - np.datetime64("2000-01-01T12:00")) / np.timedelta64(1, "D"))

    direction, distance = sun([day("2023-03-20T21:24"), day("2023-06-21T14:58"), day("2023-01-04T16:17")])
    assert math.degrees(direction[0, 2]) == pytest.approx(0.0, abs=0.01)
    assert math.degrees(math.asin(direction[1, 2])) == pytest.approx(23.436, abs=0.01)
    assert distance[2] / 1.495978707e11 == pytest.approx(0.98329, abs=2e-5)
    light = irradiance([day("2023-01-04T16:17"), day("2023-07-06T20:06")], solar_constant=1361.0)
    assert light == pytest.approx([1407.6, 1316.0], abs=1.0)


def test_shadow_is_dark_behind_and_light_before_and_half_on_its_edge() -> None:
    far = 1.495978707e11
    direction = np.array([[1.0, 0.0, 0.0]] * 3)
    place = np.array([[-42e6, 0.0, 0.0], [42e6, 0.0, 0.0], [-42e6, 6378137.0 * 1.0, 0.0]])
    lit = lit_share(place, direction, np.full(3, far))
    assert lit[:2] == pytest.approx([0.0, 1.0])
    assert 0.3 < lit[2] < 0.7
    # on the far side of the umbra's tip (1.38 million km) the Earth leaves a ring of sun
    beyond = lit_share(np.array([[-3e9, 0.0, 0.0]]), direction[:1], np.array([far]))
    radius = math.asin(6378137.0 / 3e9) / math.asin(6.957e8 / (far + 3e9))
    assert beyond[0] == pytest.approx(1.0 - radius**2, rel=1e-6)


def test_shadow_grows_as_the_satellite_goes_in() -> None:
    angle = np.linspace(0.10, 0.20, 400)
    place = 42.164e6 * np.stack([-np.cos(angle), np.sin(angle), 0.0 * angle], -1)
    lit = lit_share(place, np.tile([1.0, 0.0, 0.0], (400, 1)), np.full(400, 1.496e11))
    assert np.all(np.diff(lit) >= -1e-12)
    assert lit[0] == 0.0
    assert lit[-1] == 1.0


def test_geostationary_eclipses_of_a_year() -> None:
    # Soop: two seasons of about 44 days, at most 72 min with the half shadow; 70 min of full darkness in sum
    orbit = geostationary(longitude=0.0, days_since_2000=8401.0)
    minutes = eclipse_by_day(orbit, days_since_2000=8401.0, step=120.0)
    assert 88 <= int(np.sum(minutes > 5.0)) <= 92
    assert 68.5 < minutes.max() < 71.0
    assert 1.0 - minutes.sum() / (365 * 1440) == pytest.approx(0.991, abs=0.001)
    seasons = np.flatnonzero(np.diff((minutes > 0).astype(int)) == 1)
    assert len(seasons) == 2
    fine = eclipse_by_day(orbit, days_since_2000=8401.0, days=100, step=20.0)
    assert fine.sum() == pytest.approx(minutes[:100].sum(), rel=2e-3)  # the step does not matter


def test_flat_panel_that_faces_the_earth_has_the_sixty_percent_of_its_designers() -> None:
    # Sasaki and NASA: 0.60. By hand: 2/π of the mean cosine of the declination, less the shadow
    share = hourly_share("geo", latitude=0.0, longitude=0.0, collector="earth", step=600.0)
    assert share.mean() == pytest.approx(0.60, abs=0.005)
    assert hourly_share("geo", latitude=0.0, longitude=0.0, step=600.0).mean() == pytest.approx(
        0.9906, abs=5e-4
    )


def test_profile_is_in_local_time_and_eclipses_come_at_local_midnight() -> None:
    hours = hourly_share("geo", latitude=32.0, longitude=-90.0, time_zone=-6.0)
    dark = np.flatnonzero(hours < 0.9)
    assert set(dark % 24) <= {22, 23, 0, 1}
    assert hours.shape == (8760,)
    shifted = hourly_share("geo", latitude=32.0, longitude=-90.0, time_zone=0.0)
    assert set(np.flatnonzero(shifted < 0.9) % 24) <= {4, 5, 6, 7}


def test_two_slots_bridge_each_others_eclipses() -> None:
    one = hourly_share("geo", latitude=0.0, longitude=0.0, step=600.0)
    two = hourly_share("geo", latitude=0.0, longitude=0.0, satellites=2, spread=25.0, step=600.0)
    assert one.min() < 0.4
    assert two.min() > 0.99


def test_three_molniya_satellites_serve_a_northern_site_all_day_and_none_serves_the_south() -> None:
    north = {"latitude": 55.0, "longitude": 40.0, "mask": math.radians(20.0), "step": 1800.0}
    two, three = (hourly_share("molniya", satellites=n, **north).mean() for n in (2, 3))
    assert two < 0.99 <= three
    south = hourly_share("molniya", satellites=6, **(north | {"latitude": -60.0}))
    assert south.mean() < 0.9


def test_low_orbit_serves_a_site_for_a_small_share_of_the_day() -> None:
    few_, many = (
        hourly_share("leo-dawn-dusk", latitude=33.0, longitude=-100.0, satellites=n, step=900.0).mean()
        for n in (1, 30)
    )
    assert few_ < 0.05 < many < 0.6


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: Orbit(7e6, 1.2), "ellipse"),
        (lambda: Orbit(6e6), "meets the Earth"),
        (lambda: earth_orbit(perigee_altitude=2e6, apogee_altitude=1e6, inclination=0.0), "order"),
        (lambda: site_position(latitude=95.0, longitude=0.0, days_since_2000=[0.0]), "latitude"),
        (
            lambda: constellation("lagrange", satellites=1, longitude=0.0, days_since_2000=0.0),
            "no such orbit",
        ),
        (lambda: constellation("geo", satellites=0, longitude=0.0, days_since_2000=0.0), "no satellite"),
        (lambda: hourly_share("geo", latitude=0.0, longitude=0.0, collector="moon"), "no such collector"),
        (lambda: hourly_share("geo", latitude=0.0, longitude=0.0, step=700.0), "fill an hour"),
    ],
)
def test_bad_orbits_are_refused(call, word: str) -> None:
    with pytest.raises(InputError, match=word):
        call()


# Beam


def test_brown_and_slepian() -> None:
    assert float(collection_efficiency(1.73)) == pytest.approx(0.95, abs=1e-3)  # Brown (1974)
    small = np.array([0.01, 0.05])
    assert optimum_efficiency(small) == pytest.approx(
        small**2, rel=2e-3
    )  # both apertures in each other's far field
    tau = np.linspace(0.1, 3.0, 15)
    assert np.all(np.diff(optimum_efficiency(tau)) > 0.0)
    assert np.max(np.abs(optimum_efficiency(tau) - collection_efficiency(tau))) < 0.012  # Brown's closed form
    assert float(optimum_efficiency([12.0])[0]) == pytest.approx(1.0, abs=1e-9)


def test_no_taper_beats_the_best_one() -> None:
    for receive in (4e3, 6e3, 8e3):
        tau = float(
            aperture_product(
                transmit_area=math.pi / 4 * 1e6,
                receive_area=math.pi / 4 * receive**2,
                wavelength=0.1224,
                distance=3.6e7,
            )
        )
        best = float(optimum_efficiency([tau])[0])
        shares = [
            tapered_collection(
                transmit_diameter=1e3,
                receive_diameter=receive,
                wavelength=0.1224,
                distance=3.6e7,
                taper=taper,
            )
            for taper in (0.0, 5.0, 10.0, 20.0)
        ]
        assert max(shares) <= best + 1e-9
        assert max(shares) > 0.97 * best


def test_even_circle_is_the_airy_pattern() -> None:
    # Born and Wolf: 83.8 % inside the first dark ring at 1.2197 λ D / d; first ring −17.57 dB (Balanis)
    edge = 2 * 1.21967 * 0.1224 * 3.6e7 / 1e3
    share = tapered_collection(
        transmit_diameter=1e3, receive_diameter=edge, wavelength=0.1224, distance=3.6e7, taper=0.0
    )
    assert share == pytest.approx(0.8378, abs=2e-4)
    assert sidelobe(0.0) == pytest.approx(-17.57, abs=0.02)
    assert sidelobe(10.0) < sidelobe(5.0) < sidelobe(0.0)


def test_all_the_power_lies_in_the_plane() -> None:
    radius = (np.arange(70_000) + 0.5) * 0.5
    density = ground_density(
        radius, power=5.0, transmit_diameter=1.5e3, wavelength=0.05, distance=3.6e7, taper=17.0
    )
    assert float(np.sum(density * radius) * 0.5 * 2 * math.pi) == pytest.approx(5.0, rel=3e-3)


def test_middle_of_the_reference_system_of_1978() -> None:
    # NASA and DOE: 23 mW/cm² in the middle, 1 mW/cm² at the edge of 10 km, sidelobe some −24 dB
    beam = {
        "power": 6.72e9,
        "transmit_diameter": 1e3,
        "wavelength": LIGHT / 2.45e9,
        "distance": 3.7e7,
        "taper": 10.0,
    }
    middle, edge = ground_density([0.0, 5e3], **beam)
    assert middle == pytest.approx(230.0, rel=0.03)
    assert 3.0 < edge < 20.0
    assert 5e3 < keep_out_radius(1.0, **beam) < 9e3
    assert keep_out_radius(1e6, **beam) == 0.0


@few
@given(
    st.floats(1e2, 5e3), st.floats(1e2, 2e4), st.floats(0.01, 0.3), st.floats(1e6, 4e7), st.floats(0.0, 0.5)
)
def test_signs_of_the_beam(transmit: float, receive: float, wave: float, away: float, jitter: float) -> None:
    def caught(**other: float) -> float:
        values = {
            "transmit_area": transmit**2,
            "receive_area": receive**2,
            "wavelength": wave,
            "distance": away,
        }
        return float(collection_efficiency(aperture_product(**(values | other)), jitter=jitter))

    here = caught()
    assert 0.0 <= here <= 1.0
    assert caught(transmit_area=4 * transmit**2) >= here
    assert caught(receive_area=4 * receive**2) >= here
    assert caught(wavelength=2 * wave) <= here
    assert caught(distance=2 * away) <= here
    assert float(collection_efficiency(1.0, jitter=jitter + 0.1)) < float(
        collection_efficiency(1.0, jitter=jitter)
    )


def test_limits_of_the_beam() -> None:
    assert float(collection_efficiency(0.0)) == 0.0
    assert float(collection_efficiency(10.0)) == 1.0  # endless apertures: all of it
    # a jittering beam: a Gaussian of the spot over a Gaussian of its offset, drawn
    rng = np.random.default_rng(5)
    tau, jitter = 1.4, 0.3
    spot = rng.normal(size=(400_000, 2)) / (math.sqrt(2) * tau)
    drawn = spot + jitter * rng.normal(size=spot.shape)
    share = float(np.mean(np.sum(drawn**2, axis=1) < 1.0))
    assert float(collection_efficiency(tau, jitter=jitter)) == pytest.approx(share, abs=3e-3)


def test_beam_wider_than_the_rectenna_is_refused_and_a_wide_one_is_told() -> None:
    beam = {
        "power": 1e9,
        "frequency": 2.45e9,
        "transmit_diameter": 1.7e3,
        "distance": 3.7e7,
        "elevation": 0.9,
        "taper": 10.0,
        "pointing": 0.0,
        "rain_rate": 0.0,
        "liquid": 0.0,
    }
    with pytest.raises(InputError, match="beam is wider"):
        physical_beam(rectenna_diameter=1.5e3, **beam)
    assert "falls beside" in physical_beam(rectenna_diameter=4e3, **beam).notice
    assert physical_beam(rectenna_diameter=7e3, **beam).notice == ""


# Air


def test_rain_of_the_recommendation() -> None:
    # ITU-R P.838-3, table 5
    assert rain_coefficients(2.5e9, "horizontal") == pytest.approx((0.0001321, 1.1209), rel=5e-4)
    assert rain_coefficients(6e9, "horizontal") == pytest.approx((0.0007056, 1.5900), rel=5e-4)
    assert rain_coefficients(20e9, "vertical") == pytest.approx((0.09611, 0.9847), rel=5e-4)


def test_air_takes_little_at_2_ghz_and_more_higher_up_the_spectrum_and_lower_in_the_sky() -> None:
    # URSI white paper (2007): below a few per cent at 2.45 and 5.8 GHz
    for frequency in (2.45e9, 5.8e9):
        clear = float(passes(gas_loss(frequency, math.radians(50))))
        assert 0.98 < clear < 1.0
        storm = passes(rain_loss(frequency, math.radians(50), rate=50.0))
        assert float(storm) > (0.99 if frequency < 3e9 else 0.75)
    assert rain_loss(5.8e9, 1.0, rate=50.0) > 20 * rain_loss(2.45e9, 1.0, rate=50.0)
    assert gas_loss(22.2e9, 1.57) > 3 * gas_loss(15e9, 1.57)
    assert cloud_loss(5.8e9, 1.0, liquid=2.0) == pytest.approx(2 * cloud_loss(5.8e9, 1.0, liquid=1.0))
    assert float(rain_loss(5.8e9, 1.0, rate=0.0)) == 0.0
    assert np.all(np.diff(gas_loss(5.8e9, np.radians([90.0, 45.0, 20.0, 5.0]))) > 0.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: gas_loss(1e8, 1.0),
        lambda: gas_loss(5e9, 0.01),
        lambda: rain_loss(5e9, 1.0, rate=-1.0),
        lambda: cloud_loss(5e9, 1.0, liquid=30.0),
        lambda: rain_coefficients(5e9, "left"),
        lambda: rectenna_efficiency(-1.0),
        lambda: collection_efficiency(-1.0),
        lambda: optimum_efficiency([30.0]),
        lambda: sidelobe(60.0),
        lambda: aperture_product(transmit_area=0.0, receive_area=1.0, wavelength=1.0, distance=1.0),
        lambda: ground_density([1e9], power=1.0, transmit_diameter=1e3, wavelength=0.1, distance=3.6e7),
        lambda: power_chain(1.0, {"cells": 1.2}),
        lambda: power_chain(-1.0, {}),
        lambda: radiation_remaining(1e40, slope=0.1, reference=3e17),
        lambda: earth_view(-1.0),
        lambda: radiator_flux(
            temperature=150.0, emittance=0.88, absorptance=0.3, fin=0.8, altitude=5e5, sunlight=1361.0
        ),
    ],
)
def test_out_of_range_is_refused(call) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert error.value.allowed


# Chain, cells, rectenna


@few
@given(st.floats(0.0, 1e11), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=10))
def test_every_watt_is_delivered_or_lost(power: float, shares: list[float]) -> None:
    chain = power_chain(power, {str(i): share for i, share in enumerate(shares)})
    assert chain[-1].leaving + sum(stage.lost for stage in chain) == pytest.approx(
        power, rel=1e-12, abs=1e-12
    )


def test_panel_in_the_balance_of_stefan_and_boltzmann() -> None:
    options = {"absorptance": 0.92, "emittance_front": 0.85, "emittance_back": 0.85}
    kelvin, share = cell_temperature(light=1361.0, efficiency=0.30, slope=-0.002, **options)
    gone = 1.7 * STEFAN_BOLTZMANN * kelvin**4
    assert 1361.0 * 0.92 - 1361.0 * share == pytest.approx(gone, rel=1e-9)
    assert 300 < kelvin < 345  # cells in high orbit run at some 50 °C
    hotter, less = cell_temperature(light=3 * 1361.0, efficiency=0.30, slope=-0.002, **options)
    assert hotter > kelvin
    assert less < share
    with pytest.raises(InputError, match="too hot"):
        cell_temperature(light=60 * 1361.0, efficiency=0.30, slope=-0.002, **options)


def test_particles_and_diodes() -> None:
    assert float(radiation_remaining(0.0, slope=0.1, reference=3e17)) == 1.0
    years = radiation_remaining(3e17 * np.arange(16), slope=0.1, reference=3e17)
    assert np.all(np.diff(years) < 0.0)
    assert years[15] == pytest.approx(0.88, abs=0.01)  # some 10 % in 15 years, as satellites lose
    assert np.all(np.diff(rectenna_efficiency(np.geomspace(0.01, 400.0, 50))) > 0.0)
    assert float(rectenna_efficiency(0.0)) == 0.0


# Laser


LASER = {
    "power": 1e6,
    "wavelength": 1.07e-6,
    "transmit_diameter": 2.0,
    "receive_diameter": 60.0,
    "distance": 3.6e7,
    "pointing": 1e-7,
    "laser_efficiency": 0.4,
    "optics_efficiency": 0.9,
    "air_efficiency": 0.85,
    "receiver_efficiency": 0.5,
    "clear_share": 0.65,
}


def test_laser_link() -> None:
    link = laser_link(**LASER)
    assert link.delivered == pytest.approx(1e6 * math.prod(link.efficiencies.values()))
    assert link.availability == 0.65
    assert laser_link(**LASER, sites=3).availability == pytest.approx(1 - 0.35**3)
    steady = laser_link(**(LASER | {"pointing": 0.0, "receive_diameter": 1e4}))
    assert steady.efficiencies["caught"] == pytest.approx(1.0)
    assert laser_link(**(LASER | {"pointing": 5e-7})).delivered < link.delivered
    # a Gaussian's middle: twice the mean over its 1/e² circle
    assert link.peak * math.pi * (link.spot / 2) ** 2 / 2 == pytest.approx(0.85)
    with pytest.raises(InputError, match="beside the receiver"):
        laser_link(**(LASER | {"pointing": 1e-4}))
    with pytest.raises(InputError, match="share"):
        laser_link(**(LASER | {"clear_share": 1.5}))


# Compute in orbit


def test_view_of_the_earth_by_counting_rays() -> None:
    rng = np.random.default_rng(1)
    sine, turn = np.sqrt(rng.random(300_000)), 2 * math.pi * rng.random(300_000)
    rays = np.stack(
        [sine * np.cos(turn), sine * np.sin(turn), np.sqrt(1 - sine**2)], -1
    )  # cosine law round z
    limit = math.cos(math.asin(EARTH_RADIUS / (EARTH_RADIUS + 6e5)))
    assert float(np.mean(rays[:, 2] > limit)) == pytest.approx(
        earth_view(6e5), abs=3e-3
    )  # nadir along the normal
    assert float(np.mean(rays[:, 0] > limit)) == pytest.approx(earth_view(6e5, edge_on=True), abs=3e-3)
    assert earth_view(0.0) == 1.0
    assert earth_view(0.0, edge_on=True) == pytest.approx(0.5)


def test_radiator_in_empty_space_is_stefan_and_boltzmann() -> None:
    far = radiator_flux(
        temperature=333.15, emittance=0.9, absorptance=0.2, fin=1.0, altitude=1e12, sunlight=1361.0
    )
    assert far == pytest.approx(2 * 0.9 * STEFAN_BOLTZMANN * 333.15**4, rel=1e-6)
    near = radiator_flux(
        temperature=333.15, emittance=0.9, absorptance=0.2, fin=1.0, altitude=6e5, sunlight=1361.0
    )
    assert near < far


COMPUTE = {
    "chip_power": 1e5,
    "chip_cost": 30.0,
    "chip_mass": 5e-3,
    "overhead": 0.08,
    "remaining": 0.9,
    "lit": 1.0,
    "flux": 600.0,
    "radiator_mass": 6.0,
    "array_power": 100.0,
    "array_cost": 30.0,
    "bus_share": 0.25,
    "bus_cost": 1000.0,
    "battery_energy": 5.4e5,
    "longest_eclipse": 0.0,
    "launch_price": 1500.0,
    "life": 5 * 8760 * 3600.0,
    "failures": 0.05,
    "operations": 0.03,
    "link_rate": 1.25e10,
    "link_share": 0.4,
    "token_bytes": 4.0,
    "ground_price": 70 / 3.6e9,
    "ground_pue": 1.2,
    "ground_chip_life": 5 * 8760 * 3600.0,
    "rate": 0.07,
}


def test_orbital_compute_adds_up() -> None:
    made = orbital_compute(**COMPUTE)
    assert made.array_power * 0.9 == pytest.approx(1.08e5)
    assert made.radiator_area * 600.0 == pytest.approx(1.08e5)
    assert made.mass["bus"] == pytest.approx(0.25 * (sum(made.mass.values()) - made.mass["bus"]))
    assert made.investment["launch"] == pytest.approx(1500.0 * sum(made.mass.values()))
    assert made.energy_price > made.terrestrial_price  # nobody has said otherwise at these prices
    assert made.tokens == pytest.approx(1.25e9)
    free = orbital_compute(
        **(COMPUTE | {"launch_price": 0.0, "array_cost": 0.0, "bus_cost": 0.0, "failures": 0.0})
    )
    assert free.energy_price == 0.0
    assert free.hour_price < free.ground_hour_price  # then only the ground pays for its power


@few
@given(st.floats(1.0, 3.0))
def test_signs_of_orbital_compute(more: float) -> None:
    base = orbital_compute(**COMPUTE).energy_price
    for name in ("launch_price", "radiator_mass", "array_cost", "failures", "chip_mass", "bus_cost"):
        assert orbital_compute(**(COMPUTE | {name: COMPUTE[name] * more})).energy_price >= base
    for name in ("flux", "array_power", "life"):
        assert orbital_compute(**(COMPUTE | {name: COMPUTE[name] * more})).energy_price <= base * (1 + 1e-12)


@pytest.mark.parametrize(
    ("name", "value"), [("lit", 1.2), ("flux", 0.0), ("failures", 1.0), ("launch_price", -1.0), ("life", 0.0)]
)
def test_orbital_compute_refuses(name: str, value: float) -> None:
    with pytest.raises(InputError):
        orbital_compute(**(COMPUTE | {name: value}))
