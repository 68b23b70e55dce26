"""Puts together what talks to the coordinator, and to clients of the board's own HTTP."""

from node.link.beacon import Beacon
from node.link.client import Client
from node.link.server import Server
from node.link.signing import Signer
from node.link.wifi import Wifi


def make_link(config, secrets, hardware, app):
    """(client, wifi) of the app; None for both where the board shall talk to nobody."""
    if not secrets or not config["link"]["host"]:
        return None, None
    wifi = Wifi(hardware.wlan(), config["wifi"]["ssid"], secrets["wifi_password"], app.clock)
    signer = Signer(secrets["key"])
    client = Client(config["link"], config["id"], signer, hardware.network, app.storage, app)
    if secrets["site_key"]:
        key = secrets["site_key"]
        client.beacon = Beacon(config["link"], key, hardware.network, client.buffer)
    if config["http"]["port"]:
        client.server = Server(config, secrets["charge_key"], hardware, app, client.buffer)
    return client, wifi
