"""Editorial decisions for imagenet.json: which WordNet synsets are in common use, and their names.

Data for imagenet_from_wordnet.py, which rejects entries that are not above any of the classes.
"""

# First words of synsets that are not used to describe a photograph or to search for one. Chosen by
# reading all 858 synsets above the 1,000 classes. WordNet's usage counts do not help: they are zero
# for half of the synsets that are kept, and not zero for a third of those that are left out.
SCAFFOLDING = """
abstraction, acarine, acoustic device, adhesive bandage, adornment, agamid, agent, airfoil,
ambystomid, analog computer, anapsid, angiosperm, anguid lizard, anseriform bird, anthozoan,
anthropoid ape, apodiform bird, apparatus, apparel, applicator, aquatic vertebrate, archosaur,
area, arthropod, article, artifact, associate, astronomical telescope, attachment, attire,
attribute, autoloader, automatic firearm, baleen whale, bar, baseball equipment, basidiomycete,
basketball equipment, bath linen, beating-reed instrument, black mamba, blower, board, bony fish,
bovid, bovine, bowed stringed instrument, brake system, breathing device, carnivore,
cartilaginous fish, case, causal agent, cavy, cephalopod, ceratopsian, cetacean, chair of state,
chelonian, chordate, chordophone, circle, cistern, cloth covering, coelenterate, colubrid snake,
commodity, communication, concoction, connection, consumer goods, contestant, control,
converging lens, conveyance, coraciiform bird, correctional institution, corvine bird, course,
covering, craft, creation, croquet equipment, cruciferous vegetable, cuculiform bird,
cutting implement, cyprinid, cypriniform fish, danaid, decapod crustacean, decoration, design,
device, diapsid, dictyopterous insect, digital computer, dipterous insect, double-reed instrument,
dressing, drinking vessel, drug, drug of abuse, drygoods, durables, eared seal, eating apple,
echinoderm, edentate, edge tool, elapid, elasmobranch, electrical device, emblem,
English toy spaniel, entity, equipment, establishment, even-toed ungulate, excavation, explorer,
face mask, fare, feed, flavorer, fluid, food fish, foodstuff, framework, free-reed instrument,
furnishing, gallinaceous bird, game, game equipment, ganoid, garment, gastropod, gear,
geographic point, globule, grate, handwear, homopterous insect, horizontal surface, housing,
hunting dog, hydraulic brake, hymenopterous insect, iguanid, implement, ingredient, institution,
instrument, instrument of execution, instrumentality, invertebrate, kernel, lacertid lizard,
lady's slipper, lagomorph, lamellicorn beetle, landing, lepidopterous insect, leporid, lesser ape,
lever, ligament, light microscope, lighter-than-air craft, liquid, litter, living thing, location,
mackerel shark, magnifier, malacostracan crustacean, material, matter, measure, measuring stick,
mechanical device, mechanism, medicine, medium, mercantile establishment, metatherian, meter,
microscope, minibike, monotreme, mountain sheep, movable barrier, musteline mammal,
natural depression, natural elevation, natural object, neuropteron, New World monkey, nightingale,
nutriment, nymphalid, object, obstruction, odd-toed ungulate, odonate, oilseed, Old World monkey,
optical device, organism, ornithischian, orthopterous insect, outbuilding, overgarment, pachyderm,
padding, part, participant, passenger van, passerine, peer, pelagic bird, pelecaniform seabird,
penal institution, percoid fish, phalanger, phasianid, phasmid, physical entity, piciform bird,
piece, pierid, pinniped mammal, pipe, place of business, placental, plant organ, plate,
plectognath, point, pome, pool, post, press, print media, printer, proboscidean, procyonid,
produce, product, protective covering, prototherian, racer, radiotelephone, rail, rail fence,
receptacle, reflector, relation, religious residence, reproducer, reproductive structure,
requiem shark, reservoir, restraint, ridge, rig, rod, rotating mechanism, round shape, ruminant,
runner, salmonid, sandglass, satellite, saurian, scarabaeid beetle, scorpaenid, scorpaenoid,
sea boat, sea cow, sea duck, self-propelled vehicle, Sennenhunde, shape, sheet, shield, signal,
signaling device, single-reed instrument, slot machine, small boat, soft-finned fish,
solanaceous vegetable, solid, spermatophyte, sphenisciform seabird, spiny-finned fish,
sporting dog, staff, starches, stony coral, strengthener, strongbox, structural member,
submersible, substance, summer squash, support, supporting structure, surface, system,
teiid lizard, telecommunication system, teleost fish, textile machine, toothed whale, toy dog,
tracked vehicle, transducer, tree squirrel, true frog, true lobster, turner, ungulate, upright,
utensil, vascular plant, venomous lizard, vertebrate, vessel, visual signal, viverrine, ware,
watchdog, web, wheeled vehicle, white goods, whole, winder, winter squash, wirehair, woodenware,
work, working dog, workplace, workwear, wrapping
"""

# The usual name of a synset whose first word is unusual; `-` leaves out a synset whose first word
# names another one. Two synsets with the same name become one term.
NAMES = """
n02691156 airplane; n03510583 airplane; n02739668 armor; n02740764 armor; n02820210 bedding;
n02891788 brass instrument; n02407959 buffalo; n02914991 building; n02970849 cart; n03484083 cart;
n02121808 cat; n07747055 citrus fruit; n03932670 cloth; n03101986 cookware; n03257586 copier;
n03113152 cosmetics; n01696633 crocodilian; n03154073 cutting tool; n03208556 disk; n03706653 disk;
n07881800 drink; n03078287 electronics; n03274561 electronics; n03277771 electronics;
n03278248 electronics; n03316406 factory; n03956922 factory; n01517565 flightless bird;
n07555863 food; n07705931 fruit; n03413828 game; n04272054 glasses; n02417534 goat;
n03472232 gym equipment; n03502509 headgear; n03513137 helmet; n03513376 helmet;
n03528263 household appliance; n03163973 input device; n03636248 lamp; n03636649 lamp;
n09287968 landform; n02954938 lid; n04453910 lid; n03665366 light; n04263760 light;
n06874019 light; n03484931 magnifying glass; n07579575 main course; n02062017 marine mammal;
n03722288 market; n04139859 money box; n01694709 monitor lizard; n03743902 monument;
n03241093 oil rig; n07838233 pasta sauce; n04401088 phone; n02395003 pig; n13086908 plant;
n01789740 poultry; n04015204 protective clothing; n04038440 rack; n04038727 rack;
n02959942 railway car; n02760855 rifle; n03996145 saw; n04151581 screen; n04151940 screen;
n02414578 sheep; n04191595 shelter; n04191943 shelter; n04217882 sign; n06793231 sign;
n03100346 sofa bed; n01525720 songbird; n02086346 spaniel; n13899404 sphere;
n04285622 sports equipment; n04388743 storage tank; n04379243 table; n04379964 table;
n03815615 tie; n04447443 toiletries; n03964744 toy; n04489008 trousers; n04508163 underwear;
n01844917 water bird; n04530566 watercraft; n04571292 weights; n02121620 -; n02955065 -;
n03544360 -; n03590306 -; n03700963 -; n07557434 -; n09214581 -; n13134947 -
"""

# Parents that differ from WordNet's: where common usage differs (a bus is a vehicle, a shop is a
# building, a wheeled vehicle is not a container) and where WordNet errs (meat loaf is not bread).
PARENTS = """
n02708224 analog computer: n02938886 calculator
n02778669 ball: n04285146 sports equipment
n02924116 bus: n03791235 motor vehicle, n04019101 public transport
n01514668 cock: n01791625 chicken
n07930864 cup: n07881800 beverage
n07705931 edible fruit: n07705711 produce
n03297735 establishment: n02913152 building
n07800091 feed:
n03380867 footwear: n03051540 clothing
n03385557 fortification: n02913152 building
n12156819 grain: n13135832 seed, n07566340 foodstuff
n03484083 handcart:
n01514859 hen: n01791625 chicken
n03540267 hosiery: n03051540 clothing
n03722288 marketplace: n04202417 shop
n07871810 meat loaf: n07557434 dish
n03918480 personal computer: n03196324 digital computer, n03278248 electronic equipment
n13138842 pome:
n04019101 public transport: n04524313 vehicle
n04099429 rocket:
n04120093 runner: n04285146 sports equipment
n04125853 safety belt: n04081844 restraint
n04128837 sailing vessel: n02858304 boat
n04284002 spoon: n03153375 cutlery
n04520170 van: n03791235 motor vehicle
n06359193 web site:
n04576211 wheeled vehicle: n04524313 vehicle
"""

# Everyday words that WordNet lacks or has elsewhere, so that a search for them finds the term.
ALSO = """
airplane: jet; bear: bear cub; bicycle: bike, cycle; bird: chick; car: motor car;
cat: kitten, kitty, pussycat; cattle: cow, bull, calf; chicken: rooster; cookware: pots and pans;
dog: puppy, pup, doggy; domestic animal: pet; flower: blossom, bloom; footwear: shoes;
fungus: mushroom, toadstool; goat: billy goat; horse: pony, mare, foal; insect: bug;
landform: landscape, scenery, nature; locomotive: train, engine; person: people, human;
phone: mobile; pig: piglet; plant: flora; rabbit: bunny; railway car: train; sheep: lamb, ewe;
shore: beach, coast, seaside; truck: lorry; watercraft: vessel
"""
