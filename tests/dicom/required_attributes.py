"""What the standard asks of an object: the tables of PS3.3 as highdicom carries them, against a data set."""

import json
from importlib.resources import files

SESSIONS = ("rt-beams-session-record", "rt-ion-beams-session-record")  # conditional: unless it is a salvage record
TABLES = files("highdicom") / "_standard"


def lacking(dataset, iod):
    """Attributes of the mandatory modules that are absent, or of type 1 and empty.

    Conditional attributes and modules are not looked at, nor are attributes inside sequences that are not there.
    """
    modules = json.loads((TABLES / "iod_module_map.json").read_text(encoding="utf-8"))[iod]
    attributes = json.loads((TABLES / "module_attribute_map.json").read_text(encoding="utf-8"))
    keys = [module["key"] for module in modules if module["usage"] == "M"]
    keys += [module["key"] for module in modules if module["key"] in SESSIONS]
    found = []
    for key in keys:
        for attribute in attributes[key]:
            if attribute["type"] not in ("1", "2"):
                continue
            for item in _items(dataset, attribute["path"]):
                if attribute["keyword"] not in item:
                    found.append(f"{key}: {attribute['keyword']}")
                elif attribute["type"] == "1" and item[attribute["keyword"]].is_empty:
                    found.append(f"{key}: {attribute['keyword']} is empty")
    return found


def _items(dataset, path):
    """The data sets that a path of sequences leads to."""
    level = [dataset]
    for keyword in path:
        level = [item for parent in level for item in parent.get(keyword, [])]
    return level
