"""The work that is measured, what is hoped for, and what bounds it."""

from bench.report import Work

AGREE = "two looks at a tag, at least a second apart, before it is believed (promise 1)"
PUBLISH, PUBLISH_SHELL = "publish, in an open session", "publish, from a shell"
VERIFY, AUDIT = "verify, in an open session", "audit, in an open session"
MANY = 1000
DEPLOY, RELEASE = "deploy, in an open session", "release, from a shell"
BY_HAND = "compose pull && up -d"
# As the sites of the tests have it.
WINDOW_S = 1.0

WORKS = (
    Work(
        "a",
        "Publish again, nothing changed",
        PUBLISH,
        ("docker build+push",),
        "a challenge, a token, the tag, its parts: each needs what the one before gave, so four"
        " waits for somebody far away, of which three are behind the delay: as long as the goal."
        " Before them the source is read and judged: bad input contacts nobody. docker asks"
        " whether its layers are there and puts the manifest again; it does not look whether the"
        " release is whole, nor whether the tag is another's.",
        times=0.5,
    ),
    Work(
        "b",
        "Publish, one source line changed",
        PUBLISH,
        ("docker build+push",),
        f"1 s is {AGREE}, for the tag and latest together; besides, the image is started and"
        " asked for its health, and everything is read back. docker does none of these.",
        times=1.0,
    ),
    Work(
        "c",
        "Publish, cold: a new cache, and an empty registry under a name that nobody knows",
        PUBLISH_SHELL,
        ("docker build+push",),
        f"1 s is {AGREE}, for the tag and latest together; besides, the client and the engine"
        " begin, the image is started and asked for its health, and everything is read back."
        " The base image is on the machine.",
        times=1.1,
    ),
    Work(
        "d",
        "Two platforms instead of one, one source line changed",
        "publish, two platforms",
        ("publish, one platform",),
        "the second platform's layers have to be made and sent; nothing is emulated.",
        times=1.3,
    ),
    Work(
        "e",
        "Verify one tag, whole tree",
        VERIFY,
        ("crane validate", "skopeo copy to a directory"),
        f"1 s is {AGREE}; the tree is read meanwhile. The peers look once, and fetch every layer.",
        times=1.0,
    ),
    Work(
        "f",
        f"Audit of {MANY:,} tags",
        AUDIT,
        ("crane digest, tag after tag",),
        "one request for each tag, so many at a time as a registry allows.",
        times=0.05,
    ),
    Work(
        "g",
        "Deploy a release whose one layer is new to the server",
        DEPLOY,
        (BY_HAND,),
        f"1 s is {AGREE}; then the new container proves itself beside the old one before that is"
        " stopped, and again in its place: two starts until Docker's health check (each second)"
        " says healthy, where compose waits for none. The rest is one connection, and what compose"
        " and docker are asked before and after.",
        times=1.3,
        apart_s=2 * WINDOW_S,
        apart="two windows of good answers",
    ),
    Work(
        "i",
        "What the module adds to a call: import",
        "import the module, dagger being there",
        ("import dagger",),
        "every call imports the client; the module's own stages are imported when they are called."
        " What a whole call takes is Dagger's own time: it loads the module, and starts it.",
        times=0.05,
        seconds=0.05,
    ),
    Work(
        "j connect",
        "Embedded engine: a new session and its first answer",
        "embedded engine",
        (),
        "half of it is the client's own: it reads the certificates of this machine, asks for all"
        " types, and builds its schema from them; the endpoint builds the same from its own.",
        seconds=0.1,
    ),
    Work(
        "j cached",
        "Embedded engine: a command that ran before",
        "embedded engine",
        (),
        "the client builds and sends one query, and reads one answer.",
        seconds=0.008,
    ),
    Work(
        "j cold",
        "Embedded engine: a command that never ran",
        "embedded engine",
        ("docker run",),
        "what it changed is kept as a layer besides.",
        times=1.5,
    ),
    Work(
        "k cold",
        "The whole path, tag to proof: a new cache, a new repository, a server with only its .env",
        RELEASE,
        (),
        "the base image and the database's are on the machine and on the server.",
        seconds=60.0,
        apart_s=WINDOW_S,
        apart="the window",
    ),
    Work(
        "k warm",
        "The whole path, tag to proof: one source line changed",
        RELEASE,
        (),
        f"1 s is {AGREE}, for the tag and latest together; the image is started"
        " three times: by the check, as the server's candidate, and in its place; on the server"
        " Docker's first health check comes an interval (1 s) after the start.",
        seconds=10.0,
        apart_s=2 * WINDOW_S,
        apart="two windows of good answers",
    ),
)
