"""Sentences with personal data, made of templates and of what Faker (MIT) draws for many countries.

    python sentences.py 4000 > sentences.jsonl

Each line is `{"id", "text", "label": [{"start", "end", "type"}]}`, offsets in characters. One sentence in four has none, but
numbers that look like some. The templates are
not those of any other data set.
"""

import json
import random
import sys

from faker import Faker

LOCALES = (
    "en_US en_GB en_CA en_AU en_IN de_DE de_AT de_CH fr_FR fr_BE es_ES es_MX it_IT nl_NL pt_BR pt_PT pl_PL sv_SE da_DK "
    "no_NO fi_FI cs_CZ ro_RO"
).split()

TEMPLATES = [
    "Hi, this is {name}. You can reach me at {email} or under {phone}.",
    "Please update my phone number to {phone}, the old one no longer works.",
    "Contact: {name}, tel. {phone}, e-mail {email}",
    "{name} asked us to call back: {phone}.",
    "Mobile: {phone}\nEmail: {email}",
    "I paid with my card {card} last Tuesday and never got a receipt.",
    "Card number {card}, expiry 09/29, CVV {cvv}. Please book the room.",
    "The refund goes to {iban}, account holder {name}.",
    "IBAN: {iban}\nBIC: unknown",
    "My social security number is {ssn}, is the form complete?",
    "Employee {name}; SSN {ssn}; DOB {dob}",
    "Blocked {ip} after forty failed logins as {email}.",
    '{{"user": "{email}", "ip": "{ip}", "device": "{mac}"}}',
    "The router {mac} asks for an address every minute.",
    "Born on {dob}, {name} joined us in spring.",
    "date of birth: {dob}, phone: {phone}",
    "Transfer by wire, routing number {aba}, to {name}.",
    "{email};{name};{ip};{phone}",
    "From: {name} <{email}>\nTo: support\n\nMy number is {phone}.",
    "Fax {phone}, attention {name}",
    "{ip} - - [12/Oct/2025:06:25:24] \"GET /u?mail={email} HTTP/1.1\" 200",
    "Charge {card} and send the invoice to {email}.",
]

PLAIN = [
    "Order {long} was shipped on {date}; tracking {short}.",
    "Version {version} fixes ticket {short} of {date}.",
    "The build took {short} ms and wrote {short} lines to shard {short}.",
    "Between {year} and {year}, sales rose from {grouped} to {grouped} units.",
    "See ISBN 978-3-16-148410-0, page {page}, table {page}.{page}.",
    "commit {hex} touches {page} files",
    "Multiply {short} by {short} and tell me the last digit.",
    "The match ended {page}:{page} after {page} minutes; {grouped} people watched.",
]

TYPES = {
    "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "card": "CREDIT_CARD", "iban": "IBAN_CODE", "ssn": "US_SSN",
    "ip": "IP_ADDRESS", "mac": "MAC_ADDRESS", "dob": "DATE_OF_BIRTH", "aba": "ABA_ROUTING", "cvv": "CARD_CODE",
}


def values(faker, us):
    """What stands for each name in a template."""
    group = random.choice(["", " ", "-"])
    card = us.credit_card_number(random.choice(["visa16", "mastercard", "amex", "discover", "jcb16", "diners"]))
    if group and len(card) == 16:
        card = group.join(card[i : i + 4] for i in range(0, 16, 4))
    iban = random.choice(IBAN).iban()
    if random.random() < 0.3:
        iban = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    born = faker.date_of_birth(minimum_age=16, maximum_age=95)
    dob = born.strftime(random.choice(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y"]))
    return {
        "name": faker.name(), "email": faker.email(), "phone": faker.phone_number(), "card": card, "iban": iban,
        "ssn": us.ssn(), "ip": faker.ipv4_public() if random.random() < 0.7 else faker.ipv6(),
        "mac": faker.mac_address(), "dob": dob, "aba": us.aba(), "cvv": us.credit_card_security_code("visa16"),
    }


def plain(faker):
    """What stands for each name in a sentence without personal data."""
    draw = random.randint
    return {
        "long": draw(10**9, 10**10), "short": draw(1000, 10**6), "date": faker.date(), "year": draw(1950, 2030),
        "version": f"{draw(0, 40)}.{draw(0, 40)}.{draw(0, 200)}", "page": draw(1, 99), "hex": faker.sha1(),
        "grouped": f"{draw(1000, 10**7):,}",
    }


def fill(template, known):
    """The text, and where the values stand that are personal data."""
    text, labels = "", []
    rest = template.replace("{{", "\0").replace("}}", "\1")
    while "{" in rest:
        before, rest = rest.split("{", 1)
        name, rest = rest.split("}", 1)
        text += before
        start = len(text)
        text += str(known()[name])
        if name in TYPES:
            labels.append({"start": start, "end": len(text), "type": TYPES[name]})
    text += rest
    return text.replace("\0", "{").replace("\1", "}"), labels


random.seed(20)
Faker.seed(20)
FAKERS = [Faker(locale) for locale in LOCALES]
US = Faker("en_US")
IBAN = [Faker(locale) for locale in "de_DE en_GB fr_FR es_ES it_IT nl_NL pl_PL de_CH de_AT no_NO fi_FI".split()]

for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
    faker = random.choice(FAKERS)
    if number % 4 == 3:
        text, labels = fill(random.choice(PLAIN), lambda: plain(faker))
    else:
        text, labels = fill(random.choice(TEMPLATES), lambda: values(faker, US))
    print(json.dumps({"id": number, "text": text, "label": labels}, ensure_ascii=False))
