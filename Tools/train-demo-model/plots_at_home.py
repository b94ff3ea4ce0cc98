"""Stories that happen at home, in the garden and at school. See plots_outdoors.py for the form."""

from words import BAKED, COLOURS, FRAGILE, FRUITS, NUMBERS, PLACES, SNACKS, VESSELS

BROKEN_THING = dict(
    name="broken thing",
    draws=dict(
        thing=FRAGILE,
        col=COLOURS,
        stand=["on a shelf by the window", "on the kitchen table", "next to the old clock"],
        pieces=NUMBERS,
        hide=[
            {"at": "under the bed", "from": "from under the bed"},
            {"at": "behind the sofa", "from": "from behind the sofa"},
            {"at": "in the closet", "from": "out of the closet"},
        ],
        game=[
            {
                "what": "threw a pillow into the air",
                "confess": "I threw a pillow",
                "after": "threw pillows only on the bed",
            },
            {
                "what": "danced around the room with closed eyes",
                "confess": "I danced with closed eyes",
                "after": "danced only in the garden",
            },
            {
                "what": "ran through the house like a horse",
                "confess": "I ran through the house",
                "after": "ran only outside",
            },
            {
                "what": "jumped up and down like a frog",
                "confess": "I jumped like a frog",
                "after": "jumped only on the grass",
            },
        ],
    ),
    paragraphs=(
        "{intro} stayed at home with {G}. {G} had {a col} {thing} that stood {stand}. It was very old, "
        "and {G} [loved it|was proud of it]. \"[Please be careful near|Please do not play near] the "
        '{thing}," said {G}. "I will be careful," said {A}.',
        "[But soon {A} forgot|But {A} did not think about it for long]. {He} {game.what}. [Crash!|Bang!|"
        "Oh no!] The {col} {thing} fell [down|to the floor] and broke into {pieces} pieces. {A} was "
        "[afraid|scared]. {He} took the {pieces} pieces and hid them {hide.at}. [A little later|Soon] "
        '{G} came in. "Where is my {thing}?" {G} asked. {A} [looked at the floor|turned red] and '
        'said, "[I do not know|I did not see it]." That was a lie. All day, {A} could not [eat|smile|'
        "play], because the lie [felt heavy|hurt inside].",
        'At last, {A} went to {G}. "[I must tell you the truth|I am so sorry]," {he} said. '
        '"{game.confess}, and the {thing} broke. I hid the pieces {hide.at}." {G} was quiet for a moment. '
        "Then {G} gave {A} a [big|warm|long] hug. \"I am sad about the {thing}, but I am [glad|happy] "
        'that you told the truth," said {G}. They took the {pieces} pieces {hide.from} '
        "and [put them together with glue|glued them together]. Soon the {col} {thing} stood {stand} "
        "again. From that day on, {A} {game.after}. [{A} knew that the truth makes the heart light|"
        "And {A} never told a lie again]. {ending}",
    ),
)

FEAR = dict(
    name="fear",
    tells_weather=True,
    draws=dict(
        fear=[
            {
                "of": "the dark",
                "scene": "to sleep in a tent behind the house",
                "react": "hid under a blanket",
                "trick": "turned on a small lamp and made funny shadows on the wall of the tent",
                "try": "made a funny shadow too",
                "end": "slept all night without a light",
            },
            {
                "of": "deep water",
                "scene": "to swim in the pool",
                "react": "stayed on the steps",
                "trick": "showed how to float and held out one hand",
                "try": "took a deep breath and floated",
                "end": "swam from one side to the other",
            },
            {
                "of": "thunder",
                "scene": "to watch the storm from the window",
                "react": "ran under the table",
                "trick": "began to count after every flash of light",
                "try": "counted the next one out loud",
                "end": "counted until the storm was over",
            },
            {
                "of": "high places",
                "scene": "to climb up to the tree house",
                "react": "held on to the ladder",
                "trick": "went up slowly and showed where to put each foot",
                "try": "put one foot on the ladder and then the other",
                "end": "climbed to the top and looked over the whole town",
            },
            {
                "of": "big dogs",
                "scene": "to play with the big dog next door",
                "react": "stood behind the door",
                "trick": "sat on the ground and let the dog smell one hand",
                "try": "held out one hand very slowly",
                "end": "threw sticks for the dog all afternoon",
            },
            {
                "of": "going fast",
                "scene": "to ride bikes down the hill",
                "react": "held on to the fence",
                "trick": "started from a very small hill",
                "try": "went down the small hill with both hands on the bars",
                "end": "rode down the big hill with a happy shout",
            },
        ],
        old=["a loud noise", "spiders", "the cold sea", "the school bus"],
    ),
    paragraphs=(
        "{intro} got a visit from {friend}. {B} wanted {fear.scene}. But {A} was afraid of {fear.of}. "
        "[{A} had never told anyone|Nobody knew about it|{A} did not want {B} to know]. {He} "
        "{fear.react} and [did not say a word|shook {his} head].",
        '"[What is wrong|Is something wrong], {A}?" asked {B}. "[I am afraid of|I am scared of] '
        '{fear.of}," said {A} in a [small|quiet] voice. {A} thought that {B} would laugh. But {B} did '
        'not laugh. "[Everyone is afraid of something|That is okay]," said {B}. "I was afraid of '
        '{old}. My [brother|sister] helped me, and now I will help you." Then {B} {fear.trick}. "[Now '
        'you try|You can do it], {A}," said {B}. {A} {fear.try}. [It was not so bad|Nothing bad '
        'happened]! "[Look, I did it|I can do it]!" {A} [said|shouted].',
        "{A} [tried again and again|did it once more, and then again]. Each time it was [easier|less "
        "scary]. By the end of the day, {A} {fear.end}. {G} saw it and [was surprised|could not "
        'believe it]. "[Are you not afraid of|You were always afraid of] {fear.of}[?|!]" {G} said. '
        '"[Not any more|Only a little]," said {A}. "{B} helped me." [The next week|Some days later], '
        "{A} met a small child who was afraid of {fear.of}. {A} did not laugh. \"[Everyone is afraid "
        'of something|That is okay]," {he} said. "[I can help you|Let me help you]." {ending}',
    ),
)

BIRTHDAY_GIFT = dict(
    name="birthday gift",
    draws=dict(
        gift=[
            {"name": "card", "from": "paper", "how": "cut and folded"},
            {"name": "paper star", "from": "paper", "how": "folded and glued"},
            {"name": "picture", "from": "paint", "how": "painted and drew"},
            {"name": "painted stone", "from": "paint", "how": "washed and painted"},
            {"name": "pillow", "from": "wool", "how": "cut and sewed"},
            {"name": "bracelet", "from": "wool", "how": "tied and pulled"},
        ],
        col=COLOURS,
        keep=["by the bed", "next to the window", "on the desk", "in the living room"],
        promise=[
            {"say": "help you clean your room", "done": "helped {B} clean the room"},
            {"say": "help you wash your bike", "done": "helped {B} wash the bike"},
            {"say": "read you a story", "done": "read {B} a long story"},
            {"say": "bring you some cake", "done": "brought {B} a big piece of cake"},
        ],
    ),
    paragraphs=(
        "{intro} remembered that it was [almost |]{G}'s birthday. {A} wanted to give {G} something "
        "[special|nice|beautiful], but {he} had no money. \"[I know what to do|I have an idea]! I will "
        'make {a gift.name}," said {A}. {A} asked {friend} to help. {G}\'s favorite color was {col}, so '
        "{A} needed {col} {gift.from}.",
        "{A} looked [in every box|everywhere], but there was no {col} {gift.from} in the house. {A} "
        "[was sad|sat down and thought]. \"I have {col} {gift.from} at home,\" said {B}. \"[You can have "
        'it|I will give it to you]." "[Thank you|You are so kind]! Tomorrow I will {promise.say}," {A} '
        "promised. {B} ran home and came back with the {col} {gift.from}. The two friends {gift.how} "
        "for [two hours|the whole afternoon]. [It was not easy|It was hard work], but they did not "
        "stop. At last, the {col} {gift.name} was [done|ready].",
        "[On the birthday|The next morning], {A} gave {G} the {gift.name}. {G} [looked at it for a long "
        'time|smiled a big smile]. "{Col}, my favorite color! Did you make this {gift.name} '
        'alone?" asked {G}. "No," said {A}. "{B} gave me the {col} {gift.from} and helped me." "[It is '
        'the best gift of all|I love it]," said {G}, and put the {col} {gift.name} {keep}. [After that|'
        "Later], {A} remembered the promise and {promise.done}. [A promise is a promise, after all|"
        "{B} was happy that {A} had kept the promise]. Every time {G} looked at the {gift.name} {keep}, "
        "{G} thought of {A} and {B}. {ending}",
    ),
)

LITTLE_SEED = dict(
    name="little seed",
    tells_weather=True,
    draws=dict(
        plant=[
            {"name": "pumpkin", "grown": "was a big round pumpkin", "use": "pumpkin soup"},
            {"name": "tomato", "grown": "were many red tomatoes", "use": "tomato soup"},
            {"name": "strawberry", "grown": "were many sweet strawberries", "use": "strawberry cake"},
            {"name": "bean", "grown": "were many long beans", "use": "bean stew"},
            {"name": "melon", "grown": "was a sweet round melon", "use": "melon salad"},
            {"name": "berry", "grown": "were many dark berries", "use": "berry pie"},
        ],
        mark=["stick", "stone", "shell", "flag"],
        col=COLOURS,
        where=["behind the house", "near the fence", "under the kitchen window", "by the gate"],
        trouble=[
            {
                "what": "a hot wind made the ground dry and hard",
                "fix": "carried water from the well, bucket after bucket",
            },
            {
                "what": "heavy rain washed over the garden all night",
                "fix": "built a little wall of sand around it",
            },
            {
                "what": "hungry birds came to dig in the garden",
                "fix": "made a funny straw man to scare them away",
            },
        ],
        number=NUMBERS,
    ),
    paragraphs=(
        "{intro} got a [tiny|small|little] seed from {G}. \"[If you take care of it|If you are patient], "
        'it will become a {plant.name} plant," said {G}. {A} showed the {plant.name} seed to {friend}. '
        "They put the seed in the ground {where}. {B} put {a col} {mark} next to it[ so that they could "
        "find it again|].",
        "Every day, {A} and {B} went to look {where}. [{A} gave the seed water, and {B} pulled out the "
        "weeds|{B} gave the seed water, and {A} sang to it]. But after {number} days there was nothing "
        'to see. "[It will never grow|I do not want to wait any more]," said {A}. "[Be patient|Give it '
        'more time]," said {B}. Then {trouble.what}. {A} ran outside. "[Where is our seed|How can I '
        'find our seed]?" {he} [cried|asked]. Then {A} saw the {col} {mark}. {A} and {B} '
        "{trouble.fix}. The next morning, there was a [tiny green leaf|small green plant] next to the "
        "{col} {mark}!",
        "[All summer|Week after week], the {plant.name} plant grew and grew. In the end, "
        'there {plant.grown}. "[You see, good things take time|You were patient, and you worked hard],'
        '" said {G}. They made {plant.use}, and it was [delicious|the best they had ever eaten]. {A} '
        "gave the first taste to {B}, because {B} had [told {him} to wait|marked the place with the {col} "
        '{mark}]. "[Next year we will plant another seed|I am glad that we did not give up]," said {B}. '
        "{A} kept the {col} {mark} [for the next spring|for the next seed]. {ending}",
    ),
)

RAINY_DAY = dict(
    name="rainy day",
    tells_weather=True,
    draws=dict(
        place=PLACES,
        build=[
            {"name": "ship", "from": "chairs and a sheet", "to": "an island", "see": "a whale"},
            {"name": "castle", "from": "big boxes", "to": "a kingdom", "see": "a dragon"},
            {"name": "rocket", "from": "a box and a broom", "to": "the moon", "see": "a comet"},
            {"name": "cave", "from": "blankets and a table", "to": "a mountain", "see": "a giant"},
        ],
        snack=SNACKS,
        number=NUMBERS,
    ),
    paragraphs=(
        "{intro} wanted to go to the {place} with {friend}. {He} was so [happy|excited] that {he} was "
        "ready very early. But then {A} looked out of the window. It was raining[ hard|]! "
        '"[We cannot go to the {place} today|The {place} will be too wet]," said {G}. {A} [was very sad|'
        "sat down with tears in {his} eyes].",
        "[Soon|A little later] {B} came in with wet shoes. \"[Do not be sad|Do not look so sad], {A},\" "
        'said {B}. "[We can play inside|We can have fun inside]. Let us build a {build.name}!" {G} gave '
        "them {build.from}, and they built a [big|wonderful|great] {build.name}. In their {build.name} "
        '{A} and {B} went to {build.to}. "[Look over there|Look]! I see {build.see}!" [called|cried] {A}. '
        '"[Do not be afraid|It looks friendly]," said {B}. They gave it {number} {snack} from the '
        "kitchen. Of course, {A} and {B} had to eat the {number} {snack} [themselves|in the end].",
        "They [laughed|played] so much that they forgot about the rain. Then {G} opened the {build.name}. "
        '"[The sun is out|The rain has stopped]!" said {G}. "[You can go to the {place} now.|Do you '
        'still want to go to the {place}?]" {A} looked at {B}, and {B} looked at {A}. "[The {place} can wait|We '
        'will go to the {place} tomorrow]," said {A}. "[First we must come back from|We are not yet back '
        'from] {build.to}." {G} [laughed|smiled]. {A} had learned that a rainy day can be [the best day '
        "of all|full of fun] with a good friend. {ending}",
    ),
)

NEW_CHILD = dict(
    name="new child",
    draws=dict(
        skill=[
            {"do": "juggle", "did": "juggled with three stones", "thing": "juggle"},
            {"do": "do magic tricks", "did": "did a magic trick with a coin", "thing": "do magic"},
            {"do": "play the piano", "did": "played a happy song on the piano", "thing": "play the piano"},
            {"do": "walk on both hands", "did": "walked on both hands", "thing": "walk on both hands"},
            {"do": "fold paper stars", "did": "folded a star from paper", "thing": "fold paper stars"},
        ],
        town=["the sea", "the mountains", "a big city", "a small island"],
        seat=["near the door", "in the last row", "under a tree", "by the wall"],
        col=COLOURS,
        wear=["sweater", "jacket", "shirt", "coat"],
    ),
    paragraphs=(
        "{intro} saw a new {B.kid} at school. The new {B.kid} was named {B} and came from {town}. {B} "
        "wore {a col} {wear} and sat alone {seat}. [Nobody talked to {B}|The others did not talk to {B}]. "
        "{A} [wanted to say hello|wanted to be kind], but {he} was [a little |]shy too.",
        'At home, {A} told {G} about the {B.kid} in the {col} {wear}. "[What would make you happy on your '
        'first day|How would you feel alone in a new school]?" asked {G}. {A} thought about it. The next '
        'day, {A} went to {B}, who sat {seat} again. "Hello, {B}. [Do you want to play with us|Would you '
        'like to sit with me]?" asked {A}. {B} [smiled for the first time|looked up and smiled]. They '
        'talked about {town}, where {B} had lived. "[What do you like to do|What can you do best]?" '
        'asked {A}. "I can {skill.do}," said {B}. "[Show me, please|I want to see that]!" said {A}.',
        "{B} {skill.did}. [Everyone came to look|All the children came closer]. \"[That is amazing|How "
        'do you do that]?" they [asked|said]. {B} was not alone any more. Every day after that, {B} '
        "taught {A} to {skill.thing}[ too|]. [Some weeks|A month] later, another new child came and sat "
        "{seat}. This time, {B} went there first. \"[Do you want to play with us|Would you like to sit "
        'with us]?" asked {B}, just as {A} had done. {A} [saw it and was proud|smiled]. {G} was right: [one '
        "kind word is enough to start|a kind word can change everything]. {ending}",
    ),
)

SALTY_CAKE = dict(
    name="salty cake",
    draws=dict(
        cake=BAKED,
        fruit=FRUITS,
        col=COLOURS,
        vessel=VESSELS,
        reason=["school fair", "big dinner", "summer party", "garden party"],
    ),
    paragraphs=(
        "{intro} wanted to bake {a fruit} {cake} for the {reason}. {He} asked {friend} to help. \"The "
        'sugar is in the {col} {vessel}," said {G}. "[Do not take the wrong one|Please look twice]." '
        'But {A} was [in a hurry|too excited] and did not listen.',
        "{A} [took|opened] the first {vessel} that {he} saw. It was not {col}. {B} [mixed the eggs and "
        "the milk|broke the eggs], and {A} put in [three big spoons|a lot] of white powder. They put the "
        "{fruit} {cake} in the oven. Soon the kitchen smelled [wonderful|very good]. {A} [took|tried] the "
        'first bite. "[Yuck|Oh no]! [It is full of salt|It tastes like salt]!" {A} cried. {B} tried it and '
        'made a funny face. "[I did not listen|I forgot about the {col} {vessel}]," said {A}. "[Now the '
        '{cake} is bad, and it is my fault|I have made a big mistake]." "[We still have time|We can try '
        'again]," said {B}.',
        "This time, {A} [looked twice|was careful] and took the {col} {vessel}. {B} tasted the powder "
        "first. It was sweet! [An hour later|Soon], a new {fruit} {cake} stood on the table. Everyone at "
        "the {reason} wanted some of it. \"[This is the best {fruit} {cake} in town|What a wonderful "
        '{fruit} {cake}]," said {G}. "But why is there another one in the bin?" {A} and {B} looked '
        'at each other and laughed. "[We took the wrong {vessel}|That one was made with salt]," said {A}. '
        "From that day on, {A} always listened and always looked twice at the {col} {vessel}. {ending}",
    ),
)

AT_HOME = [BROKEN_THING, FEAR, BIRTHDAY_GIFT, LITTLE_SEED, RAINY_DAY, NEW_CHILD, SALTY_CAKE]
