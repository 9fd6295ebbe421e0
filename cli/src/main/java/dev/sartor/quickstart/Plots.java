package dev.sartor.quickstart;

import java.util.List;

/**
 * The plots of the quickstart world's stories. Slots: {@code A}, {@code B} people, {@code C} a child (with .he .him .his .the .The),
 * {@code o} a small and {@code d} a large thing, {@code g} a garment, {@code n} an animal, {@code p1..p3} places, {@code w} where somebody can be, {@code y} an outdoor and {@code h} an indoor place, {@code f} food, {@code k} a colour.
 */
final class Plots {
    private Plots() {}

    static final List<Plot> FIRST = Plot.parse("""
        # {A} and a lost {o}
        {when} {A} could not find {A.his} {o.adj} {o}. {A.He} had [held it in {A.his} hand|seen it|used it] the day before, [and now it was gone|but now it was nowhere to be seen].
        {A}, {A.title} [from|who lived in|of] {A.street}, had {o.a}. {A.He} [loved it|was proud of it|liked it very much]. But {when.low} the {o} was gone.
        {when} {A} was [on {A.his} way to|walking home from|hurrying to] {spot} when {A.he} [felt in {A.his} pocket|looked in {A.his} bag|stopped with a cry]. {o.The} was [gone|lost|not there]!

        {A} looked {p1}, but [there was only dust|there was nothing there|{A.he} found only a dry leaf]. [Then|After that|Next] {A.he} looked {p2}, [and it was not there either|but that was no better|and found nothing at all].
        First {A} [searched|looked] {p1}. [No {o}.|It was not there.] Then {A.he} [searched|looked] {p2}. [No {o} again.|It was not there either.]
        "Where can it be?" [said|sighed|asked] {A}. {A.He} searched {p1} and {p2}, [but in vain|but the {o} was in neither place].

        ?
        {A} [sat down and nearly cried|sat down on a step and sighed|grew very sad]. [It was only {o.a}, but it had come from {A.his} grandmother.|"I will never see it again," {A.he} said.|How could {A.he} go home without it?]
        {A.He} asked {neighbour}, [but nobody had seen it|but the answer was no].

        Then {B} came by. "[What is the matter|Why so sad], {A}?" [asked {B.title}|{B.he} asked]. "I have lost {o.my}," said {A}. "[Let us look together|Four eyes see more than two|I will help you]," said {B}.
        {B} [heard of it|saw {A.his} sad face] and [came to help|put down {B.his} work]. "[Two can search better than one|Come, we will find it|Do not worry]," said {B}.

        {B} [bent down and looked|went and looked|had a good idea and looked] {p3}. And there [was {o.the}|lay {o.the}, [bright as ever|safe and sound|a little dusty]]!
        They looked {p3}, and [suddenly|all at once] {B} [laughed|called out]. "Here it is!" {B.He} held up {o.the}.

        [{A} thanked {B} and gave {B.him} {f.some}.|"Thank you, {B}," said {A}, and [they both laughed|they shared {f.some}].|{A} was so [happy|glad] that {A.he} [danced a little|hugged {B}].] [From that day on|After that] {A} [kept the {o} in a box|took better care of {A.his} things|tied the {o} to a string].
        "[How can I thank you?|You are a true friend,]" said {A}. {B} only [smiled|laughed]. "[Friends help each other|It was nothing|Next time you will help me]," said {B.he}.

        Q Who lost {o.the}? = {A} lost {o.the}.
        Q Who found {o.the}? = {B} found {o.the}.
        Q Where was {o.the}? = It was {p3}.
        Q What did {A} lose? = {A} lost {o.a}.

        # {A} and a torn {g}
        {when} {A} [climbed over a fence|ran past a thorn bush|walked through the wood|slipped on the stairs], and [rip!|there was a bad sound.] There was a [big|long|small] hole in {A.his} {g.adj} {g}.
        {A} [had|owned] {g.a}. [It was old, but {A.he} loved it.|{A.He} wore it every Sunday.|It was {A.his} best one.] {when} it [caught on a nail|caught on the gate] and tore.

        ?
        "Oh no," [cried|said] {A}. "[What will people say?|How can I go to the fair now?|It is the only one I have.]"
        {A} [tried to hide the hole|put a hand over the hole], [but everybody saw it|but it was too big].

        So {A} went to {B}, [who had a needle and {k} thread|who could sew very well|who was good with a needle]. "Can you mend {g.the}?" {A.he} asked. "[Of course|Nothing easier|Let me see]," said {B}.
        {B} saw it and said, "[Sit down|Come in], {A}. I have a needle and {k} thread. I [will|can] mend {g.the}."

        {B} [threaded the needle|took {k} thread] and [sewed|stitched] [slowly and carefully|with small, neat stitches|until the lamp was low]. [Stitch by stitch|Little by little] the hole grew smaller, [and at last it was gone|until nobody could see it].
        {B} mended {g.the} with {k} thread. [It took an hour|It took all afternoon|It did not take long], and [the {g} looked like new|the stitches were so fine that you could not see them].

        "[What do I owe you|How can I pay you]?" asked {A}. "[A smile is enough|Bring me {f.some}|Nothing at all]," said {B}. [And that is what {B.he} got.|{A} smiled from ear to ear.|They had a cup of tea together.]
        {A} [put it on|tried it on] and [turned around|looked in the mirror]. "[It is better than before|You have golden hands], {B}!" {A.he} [said|cried]. [The next day|Soon] {A} brought {B} {f.some}.

        Q Who mended {g.the}? = {B} mended {g.the}.
        Q Who tore {g.the}? = {A} tore {g.the}.
        Q What colour was the thread? = The thread was {k}.
        Q What did {B} mend? = {B} mended {g.the}.

        # a gift for {B}
        It was {B.s} birthday, and {A} [wanted to give {B.him} something|had no gift yet|did not know what to give]. ["A good gift comes from the hand," said {A}.|{A.He} had no money, but {A.he} had two good hands.|{A.He} thought and thought.]
        {when} {A} [remembered|heard] that [it was {B.s} birthday|{B} had a birthday]. "I [must|will] make a gift," said {A}.

        {A} [found|took|looked for] [some old cloth|a little wood|good thread|a piece of felt] and [worked|sat] by the [window|fire|lamp] [all day|for three days|until late at night]. [In the end|At last] {A.he} had made {o.a}.
        First {A} made a plan. Then {A.he} [cut and sewed|measured and cut|worked and sang], and [when the bell rang|when evening came] there was {o.a} on the table.

        ?
        [But was it good enough|Would {B} like it]? {A} [was not sure|did not sleep well that night].
        {n.The} [looked at it|sniffed at it] and [{n.sound}|seemed to like it]. "[Well, one of us likes it|That is a good sign]," said {A}.

        {A} [wrapped it in paper|tied a {k} ribbon around it] and [went to|knocked at the door on] {B.street}. "[Happy birthday|This is for you], {B}!" {A.he} said.
        When {B} [came home|opened the door], {A} was [standing there|waiting] with {A.his} hands behind {A.his} back. "[Guess what I have|Close your eyes]," {A.he} said.

        {B} [opened it|took it] and [smiled|laughed with joy|could not speak at first]. "[{o.A}|What a fine {o}]! [It is just what I wanted.|Did you make it yourself?]" [And {B.he} hugged {A}.|Then they ate {f.some} together.]
        "[How lovely|How kind you are]!" [cried|said] {B}. {B.He} [showed {o.the} to everyone|put {o.the} on the shelf, where all could see it|kept {o.the} for many years].

        Q Who made {o.the}? = {A} made {o.the}.
        Q Who had a birthday? = {B} had a birthday.
        Q What did {A} make? = {A} made {o.a}.
        Q What did {A} give {B}? = {A} gave {B} {o.a}.

        # {A}, a storm and {n.a}
        {when} [dark clouds came over the hill|the wind began to howl|the sky turned black]. [Soon it rained so hard that nobody could see the road.|Doors banged and leaves flew.|Everybody in Thimbleford ran home.]
        There was a [great|terrible|loud] storm over Thimbleford. [The rain fell on every roof.|The river rose and the trees shook.|Thunder rolled over the hill.]

        {A} was [at home|at the window|shutting the door] when {A.he} heard [a small sound|something outside|a sad noise]. {A.He} [looked out|took a lantern and went out]. {y.Cap} [stood|sat] {n.a}, [wet and cold|shaking with fear|as wet as a sponge].
        As {A} hurried home, {A.he} [saw|found] {n.a} {y}. It was [wet and cold|all alone|too frightened to move].

        "[You poor thing|Come with me|Do not be afraid]," said {A}. {A.He} [wrapped it in {A.his} {coat}|put {A.his} {coat} around it|carried it under {A.his} coat] and [brought it into the warm room|took it home].
        {A} did not [think twice|wait]. {A.He} took off {A.his} {coat}, put it over the {n}, and led it [into the house|to a dry corner by the fire].

        The {n} got [some {n.food}|a bowl of {n.food}|plenty of {n.food}] and a bed of straw. [It {n.sound} softly and fell asleep.|Soon it was dry and warm.]
        {A} dried it with a towel and gave it {n.food}. [The {n} ate every bit.|Outside the storm went on, but inside it was warm.]

        In the morning [the sun shone|the storm was over|the sky was clear]. [There was a knock, and it was {B}.|{B} came down the street, calling.] "[Have you seen my {n}|I have lost my {n}]?" asked {B}. "It is [here|by my fire]," said {A}. [{B} was so glad that {B.he} cried.|"Thank you, thank you!" said {B}.]
        The next day {A} found that the {n} belonged to {B}. {A} took it [home|back] to {B.street}. "[I thought it was lost|You saved my {n}]!" cried {B}. [They stayed good friends ever after.|And {B} gave {A} {f.some}.]

        Q Where was the {n}? = It was {y}.
        Q Who helped the {n}? = {A} helped the {n}.
        Q Which animal did {A} help? = {A} helped {n.a}.
        Q Whose {n} was it? = It was {B.s} {n}.

        # {C} and a {n} that took a {o}
        {when} {n.a} [ran|walked] into {spot.place} and [snatched|took] {A.s} {o.adj} {o}. [Nobody knew why.|It was as quick as the wind.|What a thief!]
        {A} put {o.a} on the [windowsill|table|bench] for just a minute. [Along came|Up came] {n.a}, took {o.the} and [ran away|was gone].

        "[Stop|Come back]!" cried {A}. [{A.He} ran after it|{A.He} chased the {n}] [down {A.street}|over the bridge|twice around the well], [but the {n} was faster|but {A.he} soon ran out of breath|and everybody laughed].
        {A} ran [out of the house|into the street]. The {n} [looked at {A.him} and {n.sound}|only {n.sound}]. [It would not give the {o} back.|It held on to the {o}.]

        {C} [saw it all|had watched] and [had an idea|thought for a moment]. "{n.Plural} like {n.food}," {C.he} said. {C.He} [fetched some {n.food}|held out some {n.food}|put some {n.food} on the ground].
        "[Do not shout|Running is no use]," said {C}. "{n.Plural} love {n.food}." And {C.he} [went to get some|took some out of {C.his} bag].

        The {n} [stopped|came closer]. It dropped {o.the} [at once|in the grass] and [began to eat|ate the {n.food}]. {C} [picked it up|took it] and gave it back to {A}.
        [Slowly|Step by step] the {n} came near. It [opened its mouth|forgot the {o}] to eat, and {C} [quickly took|caught] {o.the}.

        "[Clever {C}|Well done, {C}]!" said {A}. [And {C.he} got {f.some}.|"You are wiser than I am."|From then on {A} kept the window shut.]
        {A} [laughed|had to laugh]. "[Next time I will ask you first|A kind hand is better than a fast foot]," {A.he} said. [And the {n}? It came back every day for more {n.food}.|The {n} {n.sound} as if to say yes.]

        Q Who had an idea? = {C} had an idea.
        Q What did the {n} take? = The {n} took {o.the}.
        Q Which animal took {o.the}? = {n.A} took {o.the}.
        Q What did {C} give the {n}? = {C} gave the {n} some {n.food}.
        """);

    static final List<Plot> SECOND = Plot.parse("""
        # {A}, {B} and one {o}
        {A} and {B} [were friends|had been friends for years]. But {when.low} they both saw {o.a} {p1}. "[It is mine|I saw it first]!" said {A}. "[No, it is mine|No, I did]!" said {B}.
        {when} {A} and {B} found {o.a} {p1}. [Each of them wanted it.|Both of them reached for it.] "I will keep it," said {A}. "No, I will," said {B}.

        [They pulled and pulled.|They argued until noon.|Soon they were both shouting.] [People came out to look.|A dog began to bark.|Neither would let go.]
        [For a whole day they did not speak.|They turned their backs on each other.] [{A} was angry, and {B} was angry too.|It was a very silly quarrel.]

        Then {C} [came by|spoke up]. "[Why not share it?|You can both have it,]" said {C}. "[{A} can have it on Monday, and {B} can have it on Tuesday|{A} can have it in the morning, and {B} can have it in the evening]."
        {C} [had listened to them|had heard it all]. "[Whose is it really|Did you ask who lost it]?" {C.he} asked. "It is {o.my}!" [They all laughed.|{A} and {B} turned red.]

        {A} looked at {B}, and {B} looked at {A}. [Then they both began to laugh.|"What fools we are," they said.] [They shook hands and went home together.|That evening they ate {f.some} at one table.]
        [So the quarrel was over.|And so they were friends again.] [A friend is worth more than {o.a}.|"Thank you, {C}," said {B}. "You are wise."]

        Q Where was {o.the}? = It was {p1}.
        Q Who made peace? = {C} made peace.
        Q What did {A} and {B} find? = {A} and {B} found {o.a}.

        # how {C} learned from {A}
        {C} wanted to [learn|know how] to {t.plain}. [So {C.he} went to {A}|{when} {C.he} asked {A}], [who knew how|for {A} was very good at it]. "[Will you teach me?|Please show me how,]" {C.he} said.
        {when} {C} watched {A} at work. "I want to {t.plain} too," said {C}. "[Then come back tomorrow|Then watch closely|It takes time]," said {A}.

        The first day [everything went wrong|nothing went right]. [{C} hurt a finger.|{C} dropped everything on the floor.|{C} made a great mess.] "[I can not do it|It is too hard]," {C.he} [said|cried].
        {C} tried once, and it was [bad|no good]. {C.He} tried twice, and it was [still bad|a little better]. [{C.He} wanted to run away.|Tears came to {C.his} eyes.]

        "[Nobody is born a master|I made the same mistakes|Try again]," said {A}. "[Go slowly|Look at your hands|Take your time], and it will come."
        {A} [did not scold|only smiled]. {A.He} [showed it once more|took {C.him} by the hand]. "[Slowly is quickly|One step, then the next]," {A.he} said.

        [So {C} went on|{C} tried again] [day after day|week after week|all through the {season}]. [And one day|At last] {C.he} could do it. {A} [nodded|clapped]. "Now you can {t.plain}," {A.he} said.
        By the end of the {season} {C} could {t.plain} [almost as well as {A}|all alone]. [{C.He} ran home to tell everyone.|{C.He} was as proud as a king.]

        Q Who taught {C}? = {A} taught {C}.
        Q What did {C} want to learn? = {C} wanted to {t.plain}.
        Q Who learned to {t.plain}? = {C} learned to {t.plain}.

        # how {C} told the truth
        {C} was [playing|running about] in the house [with a ball|with {n.a}] when [there was a crash|something fell]. {A.s} {o.adj} {pot} [lay in pieces|was broken].
        {when} {C} [bumped into|climbed on] the table, and down fell {A.s} {o.adj} {pot}. It broke [into a hundred pieces|in two].

        "[Nobody saw me|I could say it was the cat]," thought {C}. [But {C.his} heart was heavy.|But that did not feel right.|All day {C.he} could not eat.]
        {C} hid the pieces {p1}. [But that night {C.he} could not sleep.|But {C.he} felt worse and worse.]

        So {C} went to {A}. "I broke your {pot}," {C.he} said [quietly|in a small voice]. "I am sorry."
        [In the evening|The next morning] {C} took a deep breath and told {A} everything. "[It was me|I did it]," {C.he} said.

        {A} was [silent for a while|sad about the {pot}]. Then {A.he} said, "[A {pot} can be made again, but trust can not|I am glad that you told me the truth|That was brave of you]." [Together they made a new one.|And {A} gave {C.him} {f.some}.]
        {A} [did not shout|was not angry]. "[Thank you for the truth|Everybody breaks something once]," {A.he} said. [They glued the pieces together, and the {pot} stood on the shelf again.|{C} felt as light as a feather.]

        Q What did {C} break? = {C} broke a {o.adj} {pot}.
        Q Who broke the {pot}? = {C} broke the {pot}.
        Q Whose {pot} was it? = It was {A.s} {pot}.

        # how {A} carried {o.a} to {B}
        {A} had to [bring|carry] {o.a} to {B}, who [was waiting for it|needed it before night]. It was a long way, for {B} was {w}.
        "Please take {o.this} to {B}," [said {neighbour}|said the mayor]. "You will find {B.him} {w}." [So {A} set out|{A} put on {A.his} boots and went] [at once|early in the morning].

        [At|When {A} came to] the bridge {A.he} met {n.a}. [It would not let {A.him} pass.|It stood in the way and {n.sound}.] {A} gave it some {n.food}, and [it moved aside|it let {A.him} go].
        On the way {A.he} [met|saw] {n.a}. [It looked hungry|It {n.sound} sadly], so {A} gave it {n.food}. [Then {A.he} went on.|The {n} followed {A.him} like a friend.]

        ?
        Then it began to [rain|snow]. {A} [pulled up {A.his} collar|put {o.the} under {A.his} {g}] and walked [faster|on and on].
        The road was [long and stony|steep]. {A} [sang a song|counted {A.his} steps] [to keep up {A.his} spirits|so as not to feel tired].

        At last {A} found {B} {w}. "[Here you are|This is for you]," {A.he} said and gave {B.him} {o.the}. "[You came all this way|Just in time]!" said {B}. [And they drank hot tea by the fire.|{B} gave {A} {f.some} for the way home.]
        And there, {w}, sat {B}. [{B.He} jumped up|{B.He} waved]. "{o.My}!" {B.he} [cried|said]. "[I have waited for it all day|You are as good as your word]." [{A} walked home under the stars.|They were both happy.]

        Q Who was waiting for {o.the}? = {B} was waiting for {o.the}.
        Q What did {A} carry? = {A} carried {o.a}.
        Q Which animal did {A} meet? = {A} met {n.a}.
        Q Where was {B}? = {B} was {w}.

        # a strange noise and {n.a}
        {night} {A} [woke up|sat up in bed]. There was a [strange|soft|scratching] noise {h}. ["Who is there?" {A.he} whispered. Nobody answered.|{A.s} heart beat fast.]
        In the middle of the night {A} heard [a noise|something moving]. It came from [a dark place:|not far away,] {h}.

        ["It is a ghost," {A.he} thought.|"It must be a thief," {A.he} thought.] {A.He} [took a candle|lit the lantern] and [called|ran to] {B}, who [lived next door|was not afraid of anything].
        {A} did not dare to look alone, so {A.he} [woke|fetched] {B}. "[Take a stick|Bring the lantern]," said {B}. [On tiptoe they went to look.|They held hands.]

        {B} lifted the [lantern|candle]. [It was no ghost at all.|And what did they see?] {h.Cap} sat {n.a}, [eating {n.food}|looking for {n.food}].
        There, {h}, were two bright eyes. [{B} laughed.|"Look," said {B}.] It was only {n.a}, which was looking for {n.food}.

        [The {n} {n.sound}.|"So you are our ghost!" said {A}.] They gave it some {n.food} and [went back to bed|let it stay until morning]. [{A} slept well after that.|From then on {A} was not afraid of noises.]
        "[In the dark everything looks bigger|Fear has big eyes]," said {B}. {A} [laughed too|blushed]. [And the {n} came back every night.|They called the {n} Ghost.]

        Q Where was the {n}? = It was {h}.
        Q Who heard a noise? = {A} heard a noise.
        Q Which animal made the noise? = {n.A} made the noise.
        Q What was the {n} looking for? = It was looking for {n.food}.

        # {A} at the market
        {when} {A} went to the market with {n2} coins. {A.He} [wanted to buy|needed] {o.a}. [The market was full of people.|There were apples, cloth, pots and hens.]
        It was market day in Thimbleford. [Flags hung over the street.|Everybody was shouting and laughing.] {A} had {n2} coins in {A.his} pocket and [was looking for|wanted] {o.a}.

        {B} had [a small stall|a table by the well]. "[How much is|What do you want for] {o.the}?" asked {A}. "{n1} coins," said {B}.
        At {B.s} stall {A} found {o.the}. "It costs {n1} coins," said {B}. "[It is well made|You will not find a better one]."

        ?
        {A} [turned it over|held it up to the light] and [looked at it closely|thought about it]. [It had no fault.|It was just right.]
        "[That is a fair price|That is not too much]," said {A}, and counted the coins [into {B.s} hand|on the table].

        {A} paid and had {n3} coins left. {A.He} [went home happy|sang all the way home]. [With the rest {A.he} bought some {n.food} for {A.his} {n}.|"A good day," {A.he} said.]
        So {A} bought {o.the} and kept {n3} coins. [At home {A.he} showed it to everyone.|On the way home {A.he} met {C} and gave {C.him} one of {A.his} apples.]

        Q What did {A} buy? = {A} bought {o.a}.
        Q How much was {o.the}? = It was {n1} coins.
        Q Who sold {o.the}? = {B} sold {o.the}.
        Q How many coins did {A} have at first? = {A} had {n2} coins.

        # the contest that {B} won
        Every [year|{season}] there is a contest in Thimbleford: who can make the best {g}? [{A} and {B} both took part.|This time {A} wanted to win, and so did {B}.]
        "Who will make the finest {g}?" asked the mayor. {A} and {B} [raised their hands|said they would try]. The prize was {o.a}.

        {A} worked [very fast|with a lot of noise] and made {g.a}. {B} worked [slowly|quietly] and made a {k} one. [Nobody spoke a word.|The clock ticked.|Everyone came to watch.]
        {A} made {g.a}, [and told everybody how good it was|and laughed at the others]. {B} made a {k} {g} [and said nothing|and checked every stitch twice].

        [The mayor pulled at the seams.|The judges looked at every stitch.] The {g} of {A} [came apart|had a hole], but the {k} one [held fast|was perfect]. So {B} won {o.the}.
        [When the bell rang|In the evening] the mayor [gave {B} the prize|put {o.the} into {B.s} hands]. "[Good work needs time|The slow needle wins]," he said. And {B} had won.

        {A} was [sad at first|a little angry]. But then {A.he} [shook {B.s} hand.|said, "You are better than I am."] [The next year they worked together.|And {B} showed {A} how to do it.]
        {B} shared {f.some} with {A}. "[Next year you will win|You have a good eye]," {B.he} said. [And perhaps {A.he} will.|They were friends from that day on.]

        Q Who won? = {B} won.
        Q What was the prize? = The prize was {o.a}.
        Q What did {B} make? = {B} made a {k} {g}.

        # {A} and the snow
        [One winter morning|In January|One cold day] the snow lay [deep|knee-deep] in {A.street}. {A} and {C} [ran out|went out] to make a snowman {y}.
        It had snowed all night. [The roofs were white.|Not a sound could be heard.] "Let us make a snowman," said {C} to {A}, and they built it {y}.

        They gave it {n1} buttons, a carrot for a nose and {g.a}. ["It looks like {B}," said {C}.|"It looks cold," said {A}.]
        {C} found {n1} buttons, and {A} gave it {g.a}. [It was the finest snowman in town.|Now it looked like a real man.]

        In the night {n.a} came and ate [the carrot|the nose]. [Only the tracks were left.|In the morning {C} saw the tracks.] [{C} laughed, and {A} found another carrot.|"It must have been hungry," said {A}.]
        Then {n.a} came by and {n.sound}. [It sat down beside the snowman|It looked at the snowman for a long time], [and {C} gave it {n.food}|as if it had found a friend].

        After a week the sun came, and the snowman [grew small|melted away]. Only {g.the} [was left|lay on the ground]. ["Next winter we will make another," said {A}.|{C} was sad, but {A} said, "The snow will come again."]
        [One warm day|In March] the snowman was gone. {C} [picked up|found] {g.the} in the wet grass and [gave it back to {A}|hung it up to dry].

        Q What did the snowman wear? = It wore {g.a}.
        Q How many buttons did the snowman have? = It had {n1} buttons.
        Q Where did they build the snowman? = They built it {y}.
        """);

    static final List<Plot> THIRD = Plot.parse("""
        # {A} in the fog
        {when} a [thick|grey|white] fog lay over Thimbleford. {A} was on {A.his} way home, but [all the houses looked the same|{A.he} could not see {A.his} own feet|the road was gone]. [Soon {A.he} was lost.|{A.He} walked in a circle.]
        {A} [had stayed out too long|had gone to look for berries]. Then the fog came down from the hill, and {A.he} [lost the way|did not know where to go].

        "Is anybody there?" [called|cried] {A}. [Nobody answered.|Only {n.a} {n.sound}.] {A.He} sat down {y} and [waited|began to sing, so as not to be afraid].
        {A} [felt the way with a stick|held out {A.his} hands] and came to a stop {y}. [There {A.he} stayed.|"I will wait here," {A.he} thought.]

        In the town {B} [saw that {A} was missing|looked at the clock and began to worry]. {B.He} [lit the biggest lantern|took a lantern and a bell] and went out into the fog. "{A}! {A}!" {B.he} called.
        {B} knew that {A} [was still out|had not come home]. So {B.he} lit a lantern and [rang a bell|called as loud as {B.he} could] [on every corner|again and again].

        At last {A} saw a small light. It was {B}. "[Here I am|Over here]!" cried {A}. {B} found {A.him} {y} and [took {A.him} by the hand|gave {A.him} a warm coat]. [Together they walked home.|The fog did not frighten them any more.]
        {A} heard it and [ran|walked] towards the sound. "[I have never been so glad to see you|You found me]!" said {A}. [And they went home to eat {f.some}.|"A lantern is good, but a friend is better," said {B}.]

        Q Who was lost in the fog? = {A} was lost in the fog.
        Q Where did {A} wait? = {A} waited {y}.
        Q Who lit a lantern? = {B} lit a lantern.
        Q Who found {A}? = {B} found {A}.

        # how {B} helped when {A} was ill
        {when} {A} did not get up. {A.He} was ill. [{A.His} head was hot.|{A.He} coughed and coughed.] [Nobody could do {A.his} work.|The door stayed shut.]
        {A} was ill and had to stay in bed. [Outside the sun was shining, and that made it worse.|The whole street was worried.] [{A.He} could not eat.|{A.He} was cold and hot in turn.]

        {B} [heard of it|knocked and came in]. {B.He} brought {f.some} and [a pot of tea|a warm blanket]. "[Eat a little|This will do you good]," said {B}.
        Then {B} came with {f.some} in a basket. "[You must eat|Stay in bed and rest]," {B.he} said. [{A} smiled for the first time.|{A} ate every bit of it.]

        ?
        {B} [swept the floor|opened the window|lit the fire] and [fed the {n}|told a funny story]. [Time went by faster.|The room was bright again.]
        {C} came too and [read from a book|brought some flowers]. "[Get well soon|We miss you]," said {C}.

        After [three days|a week] {A} was well again. "[What would I do without you|How can I thank you]?" {A.he} asked. "[You would do the same for me|Just stay well]," said {B}.
        Day by day {A} felt better. [When {A.he} could go out|On Sunday] {A.he} went to {B.street} and gave {B} {o.a}. [They sat in the sun together.|"For my good friend," {A.he} said.]

        Q Who was ill? = {A} was ill.
        Q Who helped {A}? = {B} helped {A}.
        Q What did {B} bring? = {B} brought {f.some}.

        # the race between {A} and {B}
        "I am faster than you," said {A}. "[No, I am|We will see]," said {B}. So they ran a race [from the well to the mill|around the town|to the bridge and back]. [Half the town came to look.|{C} gave the sign.]
        {when} {A} and {B} ran a race. {C} counted to three, and [off they went|they ran as fast as they could]. [Everybody cheered.|The dust flew.]

        Halfway {B} saw {n.a} [that was stuck in a fence|that had hurt its foot]. {B} stopped to help it. {A} [did not stop|ran on and did not look].
        At first they ran side by side. Then {B} heard {n.a} that {n.sound} in a ditch. {B} [pulled it out|lifted it up], and {A} [ran on|was soon far ahead].

        So {A} won the race. [{A.He} waved {A.his} hat.|The prize was {o.a}.] But [the people asked, "Where is {B}?"|nobody looked at {A.him}, for there came {B} with the {n} in {B.his} arms.]
        {A} came in first and won the race. [A little later|When the bell rang] {B} came with the {n}. [The children cheered louder than before.|"I am sorry that I am late," said {B}.]

        {A} [thought for a while|turned red]. Then {A.he} gave {o.the} to {B}. "[I have fast legs, but you have a good heart|You should have it]," {A.he} said. [And they shook hands.|And the {n} {n.sound}.]
        "[You won|You were faster]," said {B}. "[And you did something better|But you did the right thing]," said {A}. [They both laughed and shared {f.some}.|The next race they ran hand in hand.]

        Q Who won the race? = {A} won the race.
        Q Which animal did {B} help? = {B} helped {n.a}.
        Q Who stopped to help the {n}? = {B} stopped to help the {n}.

        # {A} and a broken {d}
        {when} there was a crack, and {A.s} {d} was broken. "[What now|What shall I do]?" [said|asked] {A}. "[I need it every day|I can not do without it]."
        {A} had an old {d}. [It had been {A.his} grandfather's.|It had never failed.] But {when.low} it broke. {A} [shook {A.his} head|looked at it from all sides].

        {A} tried to repair it with [string|glue|a ribbon]. [It held for a minute and broke again.|That only made it worse.] [{A} sighed.|{n.The} looked on and {n.sound}.]
        "[I will do it myself|It can not be so hard]," said {A}. [But after an hour it was still broken.|{A.He} hit {A.his} thumb with the hammer.]

        Then {B} came by with {tool}. "[Let me try|May I]?" {B.he} asked. {B} [looked at it closely|turned it around] and repaired it with {tool}. [It took only a minute.|Now it was stronger than before.]
        {A} went to ask {B}. [{B} left {B.his} work and came at once.|{B} smiled and came along.] {B.He} took {tool} and repaired the {d}. "[There|Done]," {B.he} said.

        "[How did you do that|Where did you learn that]?" asked {A}. "[I broke many things before I could mend one|Patience is the best tool]," said {B}. [{A} gave {B.him} {f.some}.|They tried it out together.]
        {A} was [very happy|full of joy]. {A.He} gave {B} {f.some} and [would not let {B.him} go without a cup of tea.|said, "Come again when nothing is broken."]

        Q What was broken? = {A.s} {d} was broken.
        Q Who repaired the {d}? = {B} repaired the {d}.
        Q What did {B} use? = {B} used {tool}.

        # {C} and a seed
        In spring {A} gave {C} a seed. It was [as small as a crumb|round and brown]. "Put it into the earth and wait," said {A}. {C} planted it {y}.
        {C} found a seed in {C.his} pocket. "What will it be?" {C.he} asked {A}. "[Plant it and see|Only the earth knows]," said {A}. So {C} planted it {y}.

        Every [morning|day] {C} brought water in [a small pail|a cup]. [Nothing happened.|But there was only earth.] "[Perhaps it is asleep|It will never grow]," {C.he} said. "[Wait a little|Good things are slow]," said {A}.
        {C} watered it and waited. {C.He} wanted to dig it up and look, but {A} said, "[Leave it alone|Do not wake it]." [So {C} waited on.|That was hard for {C}.]

        ?
        One day {n.a} came and wanted to [scratch in the earth|lie down on that very spot]. {C} gave it some {n.food}, and it went away.
        Then it did not rain for [a week|a long time]. {C} carried water from the well, [one cup after another|morning and evening].

        And then, [one morning|after the rain], there was a green tip. It grew and grew, and [in June|by summer] it had a [big|beautiful] {k} flower. [Everybody came to see it.|{C} danced around it.]
        At last a green leaf came out, and then a {k} flower. "[I did that|Look, look]!" cried {C}. "[You and the sun and the rain|You have learned to wait]," said {A}.

        Q Who planted a seed? = {C} planted a seed.
        Q What colour was the flower? = The flower was {k}.
        Q Where did {C} plant the seed? = {C} planted it {y}.

        # {A} and the secret helper
        Every morning when {A} came [down the stairs|into the kitchen], [the floor was swept|the fire was lit|the wood was chopped]. "Who does that?" {A} asked. [Nobody knew.|It was a riddle.]
        {when} {A} found that somebody had [swept the yard|fetched the water|cleaned the shoes]. [The next day it was the same.|And so it went on for a week.] "[Have I got a secret helper|Is it a ghost]?" said {A}.

        So {A} hid {h} and [waited|did not make a sound]. [The clock struck five.|It was still dark.] Then the door [opened|moved].
        One night {A} did not go to bed. {A.He} hid {h}. [Hour after hour went by.|{A.He} nearly fell asleep.] [At last there were steps.|Then somebody came in on tiptoe.]

        It was {B}! {B} [took the broom and began to work|hummed a song and went to work]. {A} came out [and said, "So it is you!"|and laughed.]
        And who came in? It was {B}, with [a broom in {B.his} hand|a pail of water]. "[Now I have caught you|Good morning, ghost]!" said {A}.

        {B} turned red. "[You once helped me, and I did not forget it|You always work so hard]," {B.he} said. [They ate {f.some} together, and the sun came up.|{A} did not know what to say and gave {B.him} {o.a}.]
        "[Why did you not tell me|Why do you do it]?" asked {A}. "[It is more fun this way|A good deed needs no name]," said {B}. [From then on they did the work together.|Then they had breakfast.]

        Q Who was the secret helper? = {B} was the secret helper.
        Q Where did {A} hide? = {A} hid {h}.
        Q Who had a secret helper? = {A} had a secret helper.
        """);
}
