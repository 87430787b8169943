"""Every number in the prose of the notebooks comes from somewhere."""

import pytest
from claims import claims, comes_from, headings, prose

from assemble import LANGUAGES, sections

FCN = "Isola et al. (2017), table 1"
HAND = "worked out where it stands"
PUBLISHED = "the published protocol or result"
TRIED = "seeds on which settings were tried; nothing of them is kept"
OFF = "what is called off, see gan_helpers/augmentation/judge.py"
#: Numbers that neither a cell nor the evidence gives, each with its reason.
WITHOUT_CELL = {
    "12.4.1": {"7": "rows of the table of games", "2000": "1,200 + 500 + 300 in the cell below"},
    "12.4.2": {
        "99": "data/README.md: how often the classifier is right",
        "98.9": "1 - exp(-9 / 2): within three standard deviations in the plane",
        "693": PUBLISHED,
        **dict.fromkeys(("14", "15"), "bounds for 20 of 20: 1 - 0.05^(1/20), and 3/20"),
    },
    "12.4.3": {"50000": PUBLISHED, "103": TRIED},
    "12.4.4": {
        "0.000004": "evidence: signs/AC-GAN, G_L_c of seed 205",
        "103": HAND,
        "101": TRIED,
    },
    "12.4.5": {
        **dict.fromkeys(
            ["0.42", "0.15", "0.11", "0.22", "0.05", "0.01", "0.57", "0.16", "0.64", "0.20"], FCN
        ),
        **dict.fromkeys(["0.66", "0.23", "0.17", "0.80", "0.26", "0.21"], FCN),
        **dict.fromkeys(("0.7", "0.4"), HAND),
        "250": "megabytes of the public sets",
        "104": TRIED,
    },
    "12.4.6": {
        "99.9": OFF,
        "10000": "test pictures of MNIST",
        "40": "11.30 / 0.29, the gaps that section 3.4 prints",
        "30": "degrees, see gan_helpers/augmentation/transforms.py",
        "270": "degrees of three quarter turns",
        "0.8": "Karras et al. (2020); and where p is read off a figure",
        **dict.fromkeys(("0.4", "0.55"), HAND),
    },
    "12.4": {"16": "size of the digits of 12.4.4"},
}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", sections())
def test_numbers_in_prose_come_from_somewhere(name, lang):
    """A number that a cell prints by chance passes, too: what fails here comes from nowhere."""
    reasons = WITHOUT_CELL[name.split("_")[0]]
    found = [claim for text in prose(name, lang) for claim in claims(text, headings())]
    assert [c for c in found if c.number not in reasons and not comes_from(c, name)] == []


@pytest.mark.parametrize("section", WITHOUT_CELL)
def test_no_reason_is_left_for_a_number_that_is_gone(section):
    name = next(n for n in sections() if n.split("_")[0] == section)
    texts = [text for lang in LANGUAGES for text in prose(name, lang)]
    found = {claim.number for text in texts for claim in claims(text, headings())}
    assert WITHOUT_CELL[section].keys() <= found


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Of these 93.7 % are good (section 2.3, $c = 0.3$), a correlation of 0.14.", "93.7 0.14"),
        ("17 of 20 seeds covered all 8 after 3,500 steps.", "17 20 8 3500"),
        ("20個のシードのうち18個が、3,500ステップで8つの山を捉えた。", "20 18 3500 8"),
        ("テスト画像1万枚の9％、標準偏差0.05。", "10000 9 0.05"),
        ("See sections 4.2 and 5, table 12 and (12.28) of Sun et al. (2020), R3GAN, in 40 s.", ""),
        ("4.6節、12節、表12、式（12.28）、2018年、問5、`x[7]`、[4節](a.ipynb#7)、10分ほど。", ""),
        ("### 4.1 Title\n\n4. The two of three.\n\n*Slide 13: pix2pix*", ""),
    ],
)
def test_what_a_claim_is(text, numbers):
    assert [claim.number for claim in claims(text)] == numbers.split()


@pytest.mark.parametrize(
    ("sentence", "true"),
    [
        ("after 3,500 steps", True),  # slow D: 1,500, then 2,000
        ("after 3,700 steps", False),
        ("after 693 steps", False),  # of what a cell prints, nothing is a number of steps
        ("all eight in 17 seeds", True),
        ("all eight in 16 seeds", False),
        ("17個のシードで", True),
        ("16個のシードで", False),
        ("3,700ステップの学習", False),
        ("43.21 % of the samples", False),
        ("4,321 pictures", False),
    ],
)
def test_a_number_from_nowhere_is_found(sentence, true):
    (claim,) = claims(sentence)
    assert comes_from(claim, "12.4.2_difficulties") is true
