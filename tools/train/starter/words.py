"""The nouns, in the order in which the model should learn them, and the names people use."""

from __future__ import annotations

import re
from collections import defaultdict

#: Styles of the newer, complete sets: a noun must be drawn in most of them.
MAIN_STYLES = ("noto", "twemoji", "fluent", "flat", "emojione")
ALL_STYLES = (*MAIN_STYLES, "blob", "fxemoji")

#: The style that is seen most, and in every colour and on every ground that may be seen.
HOUSE_STYLE = "noto"

#: Words of captions for each style.
STYLE_WORDS = {
    "noto": ("noto",), "twemoji": ("twemoji",), "fluent": ("fluent", "fluent", "3d", "glossy"),
    "flat": ("flat",), "emojione": ("emojione",), "blob": ("blob",), "fxemoji": ("fxemoji",),
}

#: Emojibase's label -> what somebody would rather type. Both are taught.
EVERYDAY = {
    "automobile": "car", "deciduous tree": "tree", "evergreen tree": "pine tree",
    "grinning face": "happy face", "frowning face": "sad face", "red heart": "heart",
    "red apple": "apple", "hibiscus": "flower", "sport utility vehicle": "suv",
    "high voltage": "lightning", "wrapped gift": "gift", "gem stone": "diamond",
    "locomotive": "steam train", "hot beverage": "coffee", "wine glass": "glass of wine",
    "soft ice cream": "ice cream cone", "poultry leg": "chicken leg", "lady beetle": "ladybug",
    "honeybee": "bee", "jack o lantern": "halloween pumpkin", "ear of corn": "corn",
    "t shirt": "shirt", "running shoe": "shoe", "high heeled shoe": "high heel",
    "delivery truck": "truck", "fire engine": "fire truck", "soccer ball": "football",
    "books": "pile of books", "open book": "book", "water wave": "wave", "droplet": "water drop",
    "doughnut": "donut", "hot pepper": "chili", "rolled up newspaper": "rolled newspaper",
    "locked": "lock", "unlocked": "open lock", "magnifying glass tilted left": "magnifying glass",
    "spiral shell": "shell", "cat with tears of joy": "laughing cat", "beer mug": "beer",
    "french fries": "fries", "desktop computer": "computer", "mobile phone": "phone",
    "smiling face with sunglasses": "cool face", "pile of poo": "poop", "sailboat": "boat",
    "smiling face with heart eyes": "face in love", "money bag": "bag of money",
    "baby chick": "chick", "man's shoe": "leather shoe", "woman's hat": "sun hat",
}

#: Share of the chosen nouns that each of emojibase's groups has, in order of the issue's interest:
#: animals and nature, food, travel and places, objects, activities, faces and hearts.
_SHARES = {3: 0.22, 4: 0.19, 5: 0.20, 7: 0.20, 6: 0.09, 0: 0.10}

#: Labels that are variants of others, signs, or too particular for a first vocabulary.
_LATE = re.compile(
    r"oncoming|mailbox|moon face|quarter moon|gibbous|globe showing|sun behind|postbox|japan|tray"
    r"|speaker|locked with|chart|medal$|banknote|symbol|suit$|departure|arrival|with slash|with ca"
    r"|index|bubble|cat with|folder|train$|railway|tram|cityscape|mountain |station|e mail|envelope"
)
_FIRST = (
    "red apple", "green apple", "cat face", "dog face", "automobile", "house",
    "house with garden", "star", "pizza", "smiling face", "dragon", "red heart", "dog", "cat",
    "rocket", "cherry blossom", "birthday cake", "fish", "robot", "deciduous tree",
    "evergreen tree", "crying face", "guitar", "hamburger", "owl", "umbrella", "tulip", "hibiscus",
    "sunflower", "rose", "sun", "full moon", "crescent moon", "frog", "pig face", "panda",
    "grinning face", "banana", "strawberry", "soccer ball", "airplane", "bicycle", "sailboat",
    "locomotive", "penguin", "butterfly", "snowman", "mushroom", "cactus", "key", "light bulb",
    "crown", "gem stone", "ghost", "skull", "fire", "water wave", "rainbow", "castle",
    "frowning face", "worried face", "smiling face with smiling eyes", "glowing star", "train",
    "smiling face with heart eyes", "smiling face with sunglasses", "angry face", "cloud",
    "yellow heart", "green heart", "blue heart", "purple heart", "broken heart", "high voltage",
)


def ranked(records: list[dict]) -> list[str]:
    """All labels that enough sets draw, best known first.

    Within a group: the hand-picked ones, then short names before long ones, since short names are
    the common words. Groups take turns by their shares, so that every prefix is a fair mix; what
    is in no group of interest (people, signs) comes last.
    """
    styles: dict[str, set[str]] = defaultdict(set)
    group: dict[str, int] = {}
    for record in records:
        if record["label"]:
            styles[record["label"]].add(record["style"])
            group[record["label"]] = record["group"]
    first = [name for name in _FIRST if len(styles[name]) >= 4]
    rest: dict[int, list[str]] = defaultdict(list)
    late = []
    for name, drawn in styles.items():
        if name in first or len(drawn) < 3:
            continue
        usual = group[name] in _SHARES and not _LATE.search(name) and len(name.split()) <= 4
        if usual and len(drawn & set(MAIN_STYLES)) >= 4:
            rest[group[name]].append(name)
        else:
            late.append(name)
    for names in rest.values():
        names.sort(key=lambda name: (len(name), name))
    order = list(first)
    taken = {g: sum(group[name] == g for name in first) for g in _SHARES}
    while any(rest.values()):
        behind = min((g for g in rest if rest[g]), key=lambda g: (taken[g] + 1) / _SHARES[g])
        order.append(rest[behind].pop(0))
        taken[behind] += 1
    return order + sorted(late, key=lambda name: (group[name] not in _SHARES, len(name), name))
