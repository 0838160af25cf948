"""glTF files, read back without the library that wrote them: nodes by trimesh, the rest by the specification."""

import io
import json
import struct

import numpy as np
import trimesh
from trimesh.transformations import quaternion_matrix

_DTYPES = {5121: np.uint8, 5123: np.uint16, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """A GLB file.

    Args:
        data: its bytes.
    """

    def __init__(self, data):
        magic, version, length = struct.unpack("<4sII", data[:12])
        assert (magic, version, length) == (b"glTF", 2, len(data))
        (size,) = struct.unpack("<I", data[12:16])
        self.json, self.binary = json.loads(data[20 : 20 + size]), data[28 + size :]
        self.nodes = self.json["nodes"]
        self.graph = trimesh.load(io.BytesIO(data), file_type="glb").graph
        # trimesh calls a node that has the name of another one by that name and a number
        self.parents = {child: number for number, node in enumerate(self.nodes) for child in node.get("children", [])}

    def array(self, accessor):
        """The values of an accessor, (N, C)."""
        accessor = self.json["accessors"][accessor]
        start, width = self.json["bufferViews"][accessor["bufferView"]]["byteOffset"], _WIDTHS[accessor["type"]]
        values = np.frombuffer(self.binary, _DTYPES[accessor["componentType"]], accessor["count"] * width, start)
        return values.reshape(-1, width)

    def local(self, number, **changes):
        """The (4, 4) matrix of a node against its parent."""
        node = {"translation": [0, 0, 0], "rotation": [0, 0, 0, 1], **self.nodes[number], **changes}
        x, y, z, w = node["rotation"]
        matrix = quaternion_matrix([w, x, y, z])
        matrix[:3, 3] = node["translation"]
        return matrix

    def keyframe(self, frame):
        """New values of the nodes in a keyframe of the first animation, by their numbers."""
        (animation,), found = self.json["animations"], {}
        for channel in animation["channels"]:
            sampler, target = animation["samplers"][channel["sampler"]], channel["target"]
            found.setdefault(target["node"], {})[target["path"]] = self.array(sampler["output"])[frame].tolist()
        return found

    def world(self, changes=None):
        """The (N, 4, 4) matrices of all nodes, in a keyframe if there are changes."""
        found = {None: np.eye(4)}
        for number in range(len(self.nodes)):  # parents are before their children
            local = self.local(number, **(changes or {}).get(number, {}))
            found[number] = found[self.parents.get(number)] @ local
        return np.stack(list(found.values())[1:])

    def body(self, changes=None, skin=0):
        """The (V, 3) corners of a body, as a viewer would move them with its skin, by the specification."""
        node = next(one for one in self.nodes if one.get("skin") == skin)
        attributes = self.json["meshes"][node["mesh"]]["primitives"][0]["attributes"]
        corners = np.pad(self.array(attributes["POSITION"]), ((0, 0), (0, 1)), constant_values=1)
        joints, weights = self.array(attributes["JOINTS_0"]), self.array(attributes["WEIGHTS_0"])
        inverse = self.array(self.json["skins"][skin]["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        matrices = self.world(changes)[self.json["skins"][skin]["joints"]] @ inverse
        return np.einsum("vn,vnij,vj->vi", weights, matrices[joints], corners)[:, :3]
