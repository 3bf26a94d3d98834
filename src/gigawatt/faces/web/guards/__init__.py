"""ASGI layers and limits between the network and the web app."""
