"""Pictures whose labels are masks or boxes: what a folder of them looks like, and how it is read."""

from headstart.data.scenes.reading import FORMS, scene_material

__all__ = ["FORMS", "scene_material"]
