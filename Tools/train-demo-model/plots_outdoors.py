"""Stories that happen outside: at the park, in the forest, at a race.

A plot is a name, the pools it draws from, and one template for each paragraph. In every
template {A} is the main child and {he} {him} {his} {He} are that child's pronouns, {B} is the
friend ({B.he} and so on), {G} a member of the family, {H} a neighbour. {intro} ends with the
main child as the subject of a sentence, so the paragraph goes on with a verb. Facts drawn at
the start (a colour, a place, a cause) come back later: that is what the model has to learn.
"""

from words import (
    ANIMALS, ANIMAL_COLOURS, COLOURS, NUMBERS, PET_NAMES, PLACES, PLACES_WITH_SPOTS, PRIZES,
    SNACKS, TOYS,
)  # fmt: skip

LOST_TOY = dict(
    name="lost toy",
    draws=dict(
        toy=TOYS,
        col=COLOURS,
        place=PLACES_WITH_SPOTS,
        cause=[
            {
                "how": "There was a small hole in {A}'s bag, and the {toy} slipped out",
                "fix": "{G} took a needle and sewed up the hole in the bag",
            },
            {
                "how": "{A} put the {toy} down to watch a butterfly and forgot about it",
                "fix": '"Next time, put it in your bag before you look at butterflies," said {G}',
            },
            {
                "how": "A playful puppy picked up the {toy} and ran away with it",
                "fix": '"That puppy only wanted to play," said {G} with a laugh',
            },
            {
                "how": "{A} left the {toy} on a step and ran to climb a tree",
                "fix": "{G} helped {him} write {his} name on the {toy}",
            },
        ],
    ),
    paragraphs=(
        "{intro} went to the {place.name} with {friend}. {A} [took|brought] {a col} {toy}[ along|]. "
        "It was a [birthday |]gift from {G}, and {A} [loved it very much|took it everywhere|never "
        'left home without it]. "[Please take good care of it|Please look after it|Do not lose '
        'it]," {G} had said.',
        "At the {place.name}, {A} and {B} [ran and laughed|played many games|played] [for a long "
        "time|until they were tired]. {cause.how}. When it was time to go home, {A} looked "
        "[around|down]. The {col} {toy} was gone! [{A} felt very sad|{A} began to cry|Big tears ran "
        'down {A}\'s cheeks]. "[Where is my {toy}|Where can it be]?" {A} [cried|asked]. "[Do not '
        'worry|Do not cry]," said {B}. "[I will help you|We will find it together|We can look for '
        'it together]." They looked {place.spot}, but [it was not there|there was nothing but '
        "leaves|they only found some old leaves]. Then {B} looked {place.other}. \"[Come here|Look]! "
        '[I found it|Here it is]!" {B} [called|shouted]. It was the {col} {toy}[, a little dusty '
        "but not broken|, as good as new|]!",
        '{A} [hugged|thanked] {B}. "[You are a true friend|You are the best friend in the world|I '
        'will never forget this]," said {A}. {B} [smiled|felt proud] because {B.he} had found the '
        "{toy} {place.other}. At home, {A} told {G} [what had happened|everything]. {cause.fix}. "
        "[From that day on, {A} took good care of the {col} {toy}|{A} never lost the {col} {toy} "
        "again|After that, {A} always kept the {col} {toy} close]. {ending}",
    ),
)

SHARED_SNACK = dict(
    name="shared snack",
    draws=dict(
        snack=SNACKS,
        number=NUMBERS,
        box=["lunch box", "basket", "paper bag"],
        place=PLACES,
        missing=["had forgotten to bring any food", "had dropped {B.his} lunch in the mud",
                 "had given {B.his} lunch to a hungry dog"],
        favour=[
            {
                "need": "dark clouds came and it began to rain",
                "thing": "an umbrella",
                "give": "opened a big umbrella and held it over both of them",
                "did": "kept {him} dry",
            },
            {
                "need": "a cold wind began to blow",
                "thing": "a coat",
                "give": "put a thick blanket around both of them",
                "did": "kept {him} warm",
            },
            {
                "need": "the sun went down and the path grew dark",
                "thing": "a lamp",
                "give": "turned on a small lamp and led the way",
                "did": "showed {him} the way",
            },
        ],
    ),
    paragraphs=(
        "{intro} went to the {place} with {friend}. {G} had put {number} {snack} in {A}'s {box}. "
        "{A} [was happy|smiled], because {snack} were {his} favorite food. But {B} {missing}.",
        "After they had played [for a while|for an hour|all kinds of games], [both of them|they "
        "both] felt hungry. {A} opened the {box} and [took out the {snack}|looked at the {snack}]. "
        "{B} [looked at the ground|sat very still] and said nothing. [At first, {A} did not want to "
        "share|{A} wanted to eat all the {snack} alone]. But then {A} saw [how sad {B} looked|that "
        '{B} had nothing to eat]. "[Here|Please], take some of my {snack}," said {A}. {B} [smiled '
        'a big smile|was so happy]. "Thank you, {A}!" {B.he} said. They ate the {number} {snack} '
        "together, and [the {snack} tasted better than ever|nothing had ever tasted so good].",
        "On the way home, {favour.need}. {A} did not have {favour.thing}, and {he} [was worried|did "
        'not know what to do]. "[You shared your {snack} with me|You gave me some of your {snack}]," '
        'said {B}. "[Now I will help you|Now it is my turn to share]." {B} {favour.give}. [They '
        "laughed and walked home together|Side by side they walked home]. {A} told {G} [how|that] "
        '{B} {favour.did}. "[When you share, good things come back to you|A kind heart makes good '
        'friends]," said {G}. {ending}',
    ),
)

LITTLE_ANIMAL = dict(
    name="little animal",
    draws=dict(
        animal=ANIMALS,
        fur=ANIMAL_COLOURS,
        pet=PET_NAMES,
        place=PLACES_WITH_SPOTS,
        trouble=[
            {
                "what": "Its leg was caught in an old string",
                "fix": "{G} held the string, and {A} slowly untied the knot",
                "then": "had untied the string",
            },
            {
                "what": "It was cold and hungry and could not find its mother",
                "fix": "{A} gave it some bread, and {G} kept it warm in a soft towel",
                "then": "had given it bread",
            },
            {
                "what": "It was stuck in the deep mud and could not get out",
                "fix": "{G} put a board on the mud, and {A} gently lifted it out",
                "then": "had lifted it out of the mud",
            },
            {
                "what": "It had a thorn in its foot and could not walk",
                "fix": "{G} held it still, and {A} carefully pulled out the thorn",
                "then": "had pulled out the thorn",
            },
        ],
        repay=[
            {
                "need": "{A} walked too far and lost the way home",
                "do": "{pet} went in front, one step at a time, until {A} could see {his} house",
                "told": "had shown the way home",
            },
            {
                "need": "{A} dropped the key of the house in the tall grass",
                "do": "{pet} looked in the grass and came back with the key",
                "told": "had found the key",
            },
            {
                "need": "{A} sat alone near the {place.name} and felt lonely",
                "do": "{pet} sat down next to {A} and stayed until {he} smiled again",
                "told": "had come to play",
            },
        ],
    ),
    paragraphs=(
        "{intro} took a walk near the {place.name} with {G}. [The air was fresh and clean|The sky "
        "was blue|Everything was quiet]. Then {A} heard a [soft|small] cry. It came from a place "
        "{place.spot}. There {he} saw a [little|tiny|young] {fur} {animal}. {trouble.what}.",
        '"[Oh no|Oh dear]! [We must help it!|Can we help it?]" said {A}. {He} wanted to run to the '
        '{animal}, but {G} said, "[Go slowly|Be gentle], or it will be afraid." So {A} [took small '
        "steps|moved very slowly] and spoke in a soft voice. {trouble.fix}. The {animal} looked at "
        '{A} with [bright|big] eyes. "[You are safe now|Do not be afraid], little {animal}," said '
        '{A}. "I will call you {pet}." {pet} [made a happy sound|rubbed its head on {A}\'s hand] and '
        "[went back to its home|went home to its family].",
        "[A week|Many days|Some weeks] later, {repay.need}. {He} [was about to cry|did not know what "
        "to do]. Then {he} heard a [soft|small] sound. It was {pet}, the {fur} {animal}! {pet} "
        "[remembered|had not forgotten] that {A} {trouble.then}. {repay.do}. "
        '"Thank you, {pet}!" said {A}. At home, {A} told {G} that the {fur} {animal} {repay.told}. '
        '"[You were kind to {pet}, and now {pet} was kind to you|A friend you help is a friend '
        'forever]," said {G}. {ending}',
    ),
)

BIG_RACE = dict(
    name="big race",
    draws=dict(
        race=[
            {"kind": "running race", "verb": "run"},
            {"kind": "swimming race", "verb": "swim"},
            {"kind": "bike race", "verb": "ride"},
        ],
        prize=PRIZES,
        col=COLOURS,
        rest=[
            {"what": "look at the clouds", "done": "looked at the clouds"},
            {"what": "wave to everyone", "done": "waved to everyone"},
            {"what": "take a short rest", "done": "taken a rest"},
            {"what": "talk to a friend", "done": "talked to a friend"},
        ],
    ),
    paragraphs=(
        "{intro} heard about a [big |]{race.kind} in the town. The [winner|first child] would get "
        '{a col} {prize} from {H}. {A} told {friend} about it. "I [can {race.verb} faster than '
        'anyone|am the fastest of all]," said {A}. "[I do not need to practice|Practice is not for '
        'me]." {B} [said nothing|only smiled]. But every day after school, {B} practiced for the '
        "{race.kind}.",
        "On the day of the race, [many children came|the whole town came]. \"[Ready, set, go|One, "
        'two, three, go]!" called {H}. Soon {A} was far in front. "[I will win the {prize} for '
        'sure|This is too easy]," thought {A}, and {he} stopped to {rest.what}. {B} did not stop. '
        "{B} kept going, [slow and steady|little by little]. When {A} looked up, {B} was [almost at "
        "the end|near the end]. {A} tried to {race.verb} as fast as {he} could, but it was too late. "
        "{B} won the race!",
        "{H} gave {B} the {col} {prize}. {A} [felt sad|wanted to cry], because {he} had {rest.done} "
        'in the middle of the race. "You are [very |so ]fast," {B} said to {A}. "[Let us practice '
        'together|Come and practice with me]." {A} [smiled again|dried {his} tears]. From then on, '
        "the two friends practiced [every day|after school]. At the next {race.kind}, they came to "
        "the end [at the same time|hand in hand], and {H} gave {A} {a col} {prize} too. [{A} had "
        "learned that practice is better than big words|Now {A} knew that the race is not over "
        "until the end]. {ending}",
    ),
)

FOUND_TOY = dict(
    name="found toy",
    draws=dict(
        toy=TOYS,
        col=COLOURS,
        place=PLACES_WITH_SPOTS,
        thanks=[
            {"offer": "a ride on {B.his} bike", "later": "rode the bike up and down the street"},
            {"offer": "a seat in {B.his} tree house", "later": "sat in the tree house and talked"},
            {"offer": "half of {B.his} chocolate", "later": "sat down and ate the chocolate"},
        ],
    ),
    paragraphs=(
        "{intro} was at the {place.name} with {G}. {A} looked {place.spot} and saw {a col} {toy}. [It "
        "was very pretty|It looked almost new|{A} had never seen such a pretty {toy}]. \"[Can I keep "
        'it|May I take it home]?" {he} asked. "[Somebody may be looking for it|It belongs to '
        'someone]," said {G}. "[How would you feel if you lost it|Think of the child who lost it]?"',
        "{A} [thought about this|was quiet for a moment]. {He} wanted to keep the {toy}, but {he} "
        "knew that {G} was right. So {A} went to {H}, who worked at the {place.name}. \"[Has anyone "
        'lost|Did anyone ask for] {a col} {toy}?" asked {A}. {H} [nodded|thought for a moment]. "Yes, '
        "a [little |]{B.kid} named {B} was here. {B} was [very sad|crying] and looked for it "
        "{place.other}.\" {A} ran and found {B} {place.other}. \"[Is this your {toy}|Did you lose "
        'this {toy}]?" asked {A}.',
        '{B} [jumped up|could not believe it]. "[My {toy}! You found it|You found my {toy}]!" {B} '
        'said. "It was {place.spot}," said {A}. {B} [hugged the {col} {toy}|held the {col} {toy} '
        'tight]. To say thank you, {B} gave {A} {thanks.offer}. The two children {thanks.later}. [By '
        "the evening, they were good friends|Soon they felt like old friends]. \"[I am proud of "
        'you|You did the right thing]," said {G}. {A} did not have the {col} {toy}, but {he} had '
        "[something better, a new friend|a new friend, and that was better]. {ending}",
    ),
)

OUTDOORS = [LOST_TOY, SHARED_SNACK, LITTLE_ANIMAL, BIG_RACE, FOUND_TOY]
