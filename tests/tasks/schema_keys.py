"""The keys of correction.json as its schema lists them."""


def described_keys(schema):
    """Dotted keys with their descriptions; what is defined once is listed once, where it stands highest."""
    keys, seen, level = {}, set(), [("", schema)]
    while level:
        following = []
        for prefix, node in level:
            for name, part in node.get("properties", {}).items():
                keys[prefix + name] = part["description"]
                inner = _inside(part, schema, seen)
                if inner is not None:
                    following.append((f"{prefix}{name}.", inner))
        level = following
    return keys


def _inside(part, schema, seen):
    """What a key holds, through lists and references; None for what was listed before."""
    part = part.get("items", part) if part.get("type") == "array" else part
    name = part.get("$ref", "").rpartition("/")[2]
    if not name:
        return part
    if name in seen:
        return None
    seen.add(name)
    return schema["$defs"][name]
