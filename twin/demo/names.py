"""Korean and English names; invented, so that nobody mistakes the district for a real one."""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    """One name in two languages."""

    ko: str
    en: str

    @property
    def both(self) -> str:
        """As on a street sign."""
        return f"{self.ko} {self.en}" if self.ko else ""


NOTHING = Name("", "")


class Sign(NamedTuple):
    """What stands at a building's door."""

    name: Name = NOTHING
    address: Name = NOTHING


RIVER = Name("새나루강", "Saenaru River")
CANAL = Name("물빛운하", "Mulbit Canal")
LEVEE_ROAD = Name("강둑로", "Gangduk-ro")
FAR_LEVEE_ROAD = Name("건너강둑로", "Geonneo Gangduk-ro")
RIVER_BRIDGE = Name("새나루대교", "Saenaru Bridge")
UNDERPASS = Name("물빛지하차도", "Mulbit Underpass")

_AVENUES = (("에코대로", "Eco-daero"), ("물결대로", "Mulgyeol-daero"), ("바람대로", "Baram-daero"))
_STREETS = (
    ("갈대길", "Galdae-gil"),
    ("철새길", "Cheolsae-gil"),
    ("모래톱길", "Moraetop-gil"),
    ("은어길", "Euneo-gil"),
    ("억새길", "Eoksae-gil"),
    ("나루터길", "Naruteo-gil"),
    ("재첩길", "Jaecheop-gil"),
    ("솔숲길", "Solsup-gil"),
    ("달맞이길", "Dalmaji-gil"),
    ("연꽃길", "Yeonkkot-gil"),
)
_APARTMENTS = (("은빛강", "Eunbit River"), ("푸른하구", "Blue Estuary"), ("새벽노을", "Dawn Glow"))


def avenue(index: int) -> Name:
    """The n-th avenue; they are numbered once the names are used up."""
    return _numbered(_AVENUES, index)


def street(index: int) -> Name:
    """The n-th residential street.

    Examples
    --------
    >>> street(1), street(11)
    (Name(ko='철새길', en='Cheolsae-gil'), Name(ko='철새2길', en='Cheolsae 2-gil'))
    """
    return _numbered(_STREETS, index)


def _numbered(names: tuple[tuple[str, str], ...], index: int) -> Name:
    ko, en = names[index % len(names)]
    turn = index // len(names) + 1
    if turn == 1:
        return Name(ko, en)
    stem, _, kind = en.rpartition("-")
    suffix = 2 if ko.endswith(("대로",)) else 1
    return Name(f"{ko[:-suffix]}{turn}{ko[-suffix:]}", f"{stem} {turn}-{kind}")


def canal(index: int) -> Name:
    """The n-th canal."""
    return CANAL if index == 0 else Name(f"물빛{index + 1}운하", f"Mulbit {index + 1} Canal")


def quay(index: int) -> Name:
    """The streets along the n-th canal."""
    return Name("운하길", "Unha-gil") if index == 0 else Name(f"운하{index + 1}길", f"Unha {index + 1}-gil")


def canal_bridge(canal_index: int, row: int) -> Name:
    """The bridge over a canal in the n-th row of streets."""
    number = canal_index * 20 + row
    return Name(f"물빛{number}교", f"Mulbit Bridge {number}")


def address(of: Name, number: int) -> Name:
    """A house number in a street."""
    return Name(f"{of.ko} {number}", f"{number} {of.en}")


def apartment(estate: int, house: int) -> Name:
    """A house of an apartment estate, counted from 101 as usual in Korea."""
    ko, en = _APARTMENTS[estate % len(_APARTMENTS)]
    return Name(f"{ko} {101 + house}동", f"{en} {101 + house}")


_PLACES = {
    "hospital": ("새나루병원", "Saenaru Hospital"),
    "clinic": ("새나루병원 별관", "Saenaru Hospital Annex"),
    "school": ("하구초등학교", "Hagu Elementary School"),
    "gym": ("하구초등학교 체육관", "Hagu Elementary School Gymnasium"),
    "market": ("나루시장", "Naru Market Hall"),
    "library": ("둥근도서관", "Round Library"),
    "pavilion": ("물가정자", "Waterside Pavilion"),
    "court": ("안마당빌딩", "Anmadang Court"),
    "office": ("삼각주타워", "Delta Offices"),
    "works": ("강변공방", "Riverside Works"),
    "pump": ("빗물펌프장", "Stormwater Pumping Station"),
}


def place(kind: str, ordinal: int) -> Name:
    """A public building; a number follows where there are several."""
    ko, en = _PLACES[kind]
    return Name(ko, en) if ordinal == 0 else Name(f"{ko} {ordinal + 1}", f"{en} {ordinal + 1}")
