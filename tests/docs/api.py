#!/usr/bin/python3
"""Every item of the public headers is documented: functions, structs and all of their fields, enums
and all of their values, macros, typedefs. Looks into the XML that doxygen made.

    tests/docs/api.py XML
"""
import glob
import os
import sys
import xml.etree.ElementTree as tree


def is_documented(item):
    return any("".join(item.find(part).itertext()).strip()
               for part in ("briefdescription", "detaileddescription") if item.find(part) is not None)


def main():
    if len(sys.argv) != 2 or not os.path.exists(os.path.join(sys.argv[1], "index.xml")):
        sys.exit(__doc__)
    seen, missing = set(), []

    def look(item, kind, name):
        if name not in seen:
            seen.add(name)
            if not is_documented(item):
                missing.append(f"{kind} {name}")

    for path in sorted(glob.glob(sys.argv[1] + "/*.xml")):
        for compound in tree.parse(path).getroot().iter("compounddef"):
            kind, name = compound.get("kind"), compound.findtext("compoundname")
            inside = name + "." if kind in ("struct", "union") else ""
            if kind in ("struct", "union") or kind == "file" and name.endswith(".h"):
                look(compound, kind, name)
            for member in compound.iter("memberdef"):
                member_name = inside + member.findtext("name")
                if member_name.endswith(("_H", "_")):
                    continue  # an include guard; a macro that is only used by another
                look(member, member.get("kind"), member_name)
                for value in member.iter("enumvalue"):
                    look(value, "value", value.findtext("name"))
    for line in missing:
        print("undocumented:", line)
    print(f"api: {len(seen)} items, {len(missing)} of them undocumented")
    # Should doxygen, or the filter before it, lose the headers, that is no success.
    sys.exit(1 if missing or len(seen) < 50 else 0)


main()
