"""A folder of scenes as `Material`: the form of its labels is recognised by its folders and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from headstart.data.material import Material, Options
from headstart.data.scenes.box_rows import has_row_files, has_rows, read_row_files, read_rows
from headstart.data.scenes.coco import has_coco, read_coco
from headstart.data.scenes.groups import FILE, with_groups
from headstart.data.scenes.masks import has_masks, read_masks
from headstart.data.scenes.polygons import has_polygons, read_polygons
from headstart.data.scenes.voc import has_voc, read_voc
from headstart.data.scenes.yolo import has_yolo, read_yolo
from headstart.errors import UserError
from headstart.kinds import KINDS


class Form(NamedTuple):
    """How labels of one form lie in a folder: whether they do, and how they are read for a kind of task."""

    kind: str
    looks: str
    there: Callable[[Path], bool]
    read: Callable[[Path, Options], Material]


FORMS: tuple[Form, ...] = (
    Form("detection", "a JSON file as COCO writes them (annotations/, or beside the pictures)", has_coco, read_coco),
    Form("detection", "Annotations/ with an XML file per picture (Pascal VOC) beside JPEGImages/", has_voc, read_voc),
    Form("detection", "images/ and labels/ with a text file per picture (YOLO)", has_yolo, read_yolo),
    Form("detection", "a CSV with the columns image, xmin, ymin, xmax, ymax and class", has_rows, read_rows),
    Form("segmentation", "COCO's JSON with polygons (--task segmentation)", has_polygons, read_polygons),
    Form("segmentation", "images/ and masks/ with a mask of the same name for each image", has_masks, read_masks),
    Form("detection", "the same CSV beside the pictures, or one per split", has_row_files, read_row_files),
)


def scene_material(path: Path, options: Options) -> Material | None:
    """Return the material of a folder of scenes; None where it is none, or a task of another kind is asked for."""
    asked = options.task or (None if options.like is None else options.like.task.kind)
    if asked is not None and KINDS[asked].reads != "objects":
        return None
    forms = [form for form in FORMS if asked in (None, form.kind)]
    form = next((form for form in forms if (path.is_file() == (form.there is has_rows)) and form.there(path)), None)
    if form is None:
        refuse_other(str(path), asked)
        return None
    for option, value in (("label", options.label), ("group", options.group), ("text", options.text)):
        if value is not None:
            instead = f"write {FILE} (image, group) beside the pictures" if option == "group" else "leave it out"
            raise UserError(f"{path} is a folder of pictures for {form.kind} and has no columns, so --{option} does "
                            f"not apply; {instead}.")  # fmt: skip
    if options.modality not in (None, "image"):
        raise UserError(f"{path} holds images, not {options.modality}s; leave --modality out.")
    material = form.read(path, options)
    return with_groups(material, path) if path.is_dir() and options.like is None else material


def refuse_other(origin: str, asked: str | None) -> None:
    """Refuse data that are no scenes where a task of scenes is asked for."""
    if asked is None or KINDS[asked].reads != "objects":
        return
    looks = "; or ".join(form.looks for form in FORMS if form.kind == asked)
    raise UserError(f"{origin} is no data for {asked}: give {looks} (docs/scenes.md).")
