"""The words of the stories: who, what, where. The plots draw from these pools.

A pool's rows are strings or dictionaries of parts; both may be templates (see grammar.py).
The checker in consistency.py reads the same pools, and relies on one habit of theirs: the
pools named in ONE_PER_STORY share no noun, so that a second noun of a pool in one story is
always a slip.
"""

from itertools import permutations

GIRLS = (
    "Lily Mia Anna Sara Emma Lucy Ella Zoe Nora Ruby "
    "Amy Kate Jane Molly Daisy Ivy Clara Nina Maya Sophie"
).split()
BOYS = (
    "Tom Ben Max Sam Leo Jack Tim Finn Noah Adam "
    "Oscar Luke Henry Paul Peter Oliver Jacob Danny Hugo Theo"
).split()

FAMILY = {"Mom": "f", "Dad": "m", "Grandma": "f", "Grandpa": "m"}
NEIGHBOURS = {
    "Mr. Finch": "m", "Mrs. Bell": "f", "Mr. Wood": "m", "Mrs. Lane": "f",
    "Mr. Stone": "m", "Mrs. Hill": "f", "Mr. Reed": "m", "Mrs. Field": "f",
}  # fmt: skip

PRONOUNS = {
    "f": {"he": "she", "him": "her", "his": "her", "He": "She", "His": "Her", "kid": "girl"},
    "m": {"he": "he", "him": "him", "his": "his", "He": "He", "His": "His", "kid": "boy"},
}

COLOURS = "red blue green yellow white purple pink orange brown silver".split()
ANIMAL_COLOURS = "brown white gray black".split()

TOYS = "ball kite scarf hat whistle car boat train drum doll ribbon marble robot bell".split()
ANIMALS = "bird rabbit kitten duckling turtle hedgehog squirrel fox lamb mouse".split()
PET_NAMES = "Pip Dot Coco Biscuit Pebble Button Clover Nutmeg".split()
FRAGILE = "vase bowl plate teapot mirror jug".split()
PRIZES = "medal cup trophy badge".split()
SNACKS = "sandwiches cookies apples pears muffins plums pancakes carrots".split()
FRUITS = "apple banana cherry lemon honey".split()
BAKED = "cake pie bread pudding".split()
VESSELS = "jar box tin".split()
NUMBERS = "two three four five six".split()

SPOTS = {
    "park": ["under the bench", "behind the big oak", "next to the pond", "by the swings"],
    "beach": ["behind a rock", "near the water", "under the pier", "beside the sand hill"],
    "forest": ["under a fern", "behind a fallen log", "beside the stream", "near the old pine"],
    "farm": ["behind the barn", "in the hay", "beside the gate", "near the well"],
    "meadow": ["in the tall grass", "under the old willow", "by the fence", "near the flowers"],
    "playground": ["under the slide", "in the sandbox", "behind the wall", "next to the steps"],
    "market": ["under a table", "behind a cart", "next to the fountain", "between two baskets"],
    "lake": ["on the dock", "under a bush", "beside the path", "near the big stones"],
}
PLACES = list(SPOTS)

# One row for each place and each pair of different spots there: searched first, found second.
PLACES_WITH_SPOTS = [
    {"name": place, "spot": first, "other": second}
    for place, spots in SPOTS.items()
    for first, second in permutations(spots, 2)
]

# What the child loves, and how that love shows again at the end of the story.
HOBBIES = [
    {"love": "draw", "later": "drew a picture of it all"},
    {"love": "sing", "later": "made up a little song about it"},
    {"love": "tell stories", "later": "told the whole story to a sleepy teddy bear"},
    {"love": "write", "later": "wrote it all down in a small book"},
    {"love": "dance", "later": "danced around the room until bedtime"},
    {"love": "paint", "later": "painted the best part of the day"},
    {"love": "look at the stars", "later": "told the stars all about it"},
    {"love": "count things", "later": "counted all the good things of the day"},
]

# Nouns of which a story has at most one each; a pool is one line.
ONE_PER_STORY = {
    "toy": TOYS,
    "animal": ANIMALS,
    "fragile thing": FRAGILE,
    "prize": PRIZES,
    "snack": SNACKS,
    "baked thing": BAKED,
    "fruit": FRUITS,
    "vessel": VESSELS,
    "place": PLACES,
    "pet name": PET_NAMES,
}
