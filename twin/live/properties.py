"""Observed properties by one key each, however their source names them."""

from __future__ import annotations

import re

_NAMES = {
    "water_level": ("water level", "river level", "river stage", "stage", "gage height", "gauge height", "tide",
                    "sea level", "tide level", "수위", "조위", "vedenkorkeus", "00065"),
    "water_depth": ("water depth", "flood depth", "inundation depth", "침수심"),
    "discharge": ("discharge", "streamflow", "river discharge", "유량", "00060"),
    "rain_rate": ("rain rate", "rainfall intensity", "rainfall rate", "precipitation rate", "강우강도"),
    "rain": ("rain", "rainfall", "precipitation", "강우량", "강수량", "00045"),
    "air_temperature": ("air temperature", "temperature", "기온", "ilman lämpötila", "00020"),
    "water_temperature": ("water temperature", "temperature, water", "수온", "00010"),
    "relative_humidity": ("relative humidity", "humidity", "습도"),
    "air_pressure": ("air pressure", "atmospheric pressure", "barometric pressure", "기압"),
    "wind_speed": ("wind speed", "풍속"),
    "wind_direction": ("wind direction", "풍향"),
    "pm2_5": ("pm2.5", "pm25", "pm 2.5", "초미세먼지"),
    "pm10": ("pm10", "pm 10", "미세먼지"),
    "o3": ("o3", "ozone", "오존"),
    "no2": ("no2", "nitrogen dioxide", "이산화질소"),
    "so2": ("so2", "sulphur dioxide", "sulfur dioxide", "아황산가스"),
    "co": ("co", "carbon monoxide", "일산화탄소"),
    "co2": ("co2", "carbon dioxide", "이산화탄소"),
    "sound_level": ("sound level", "noise", "noise level", "laeq", "소음"),
    "occupancy": ("occupancy", "people", "재실인원"),
    "power": ("power", "electric power", "active power"),
    "smoke": ("smoke", "smoke obscuration", "연기"),
    "vehicle_speed": ("vehicle speed", "mean speed"),
    "vehicle_count": ("vehicle count", "traffic volume", "traffic count", "교통량"),
}  # fmt: skip
_KEYS = {name: key for key, names in _NAMES.items() for name in (key, key.replace("_", " "), *names)}
LENGTHS_IN_M = frozenset({"water_level", "water_depth"})
"""Properties whose lengths are kept in metres."""


def property_key(*names: str) -> str:
    """The key of an observed property from the first known of its names; else a plain form of the first.

    Examples
    --------
    >>> property_key("urn:twin:observed-property:water_level"), property_key("Gage height"), property_key("PM2.5")
    ('water_level', 'water_level', 'pm2_5')
    >>> property_key("Chlorophyll (a)"), property_key("수위"), property_key("")
    ('chlorophyll_a', 'water_level', '')
    """
    given = [n.strip() for n in names if n and n.strip()]
    for name in given:
        for part in (name, re.split(r"[:/#]", name)[-1]):
            key = _KEYS.get(part.casefold().replace("_", " ")) or _KEYS.get(part.casefold())
            if key:
                return key
    plain = next((n for n in given if not re.match(r"[a-z]+:", n)), given[0] if given else "")
    return "_".join(re.findall(r"\w+", plain.casefold()))
