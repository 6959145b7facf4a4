"""Folders of lists: create, show as a tree, move lists and folders, rename, delete when empty. The root is folder 0.

Source: developers.hubspot.com, "Lists", folders.
"""

from __future__ import annotations

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_text, bounded, iso
from integrations.sandbox.hubspot.lists import find_list
from integrations.sandbox.hubspot.refusals import invalid, not_found
from integrations.sandbox.hubspot.state import Folder, Portal

ROOT = 0


def create(call: ApiCall) -> Reply:
    """A new folder in a folder (default the root)."""
    body = call.body()
    parent = bounded(body.get("parentFolderId"), "parentFolderId", ROOT)
    _require(call.portal, parent)
    folder = Folder(max(call.portal.folders, default=ROOT) + 1, as_text(body.get("name"), "name"), parent, call.now, call.now)
    call.portal.folders[folder.id] = folder
    return Reply({"folder": _shown(call.portal, folder.id)})


def get_tree(call: ApiCall) -> Reply:
    """A folder (default the root) with the folders and list ids in it, all the way down."""
    folder_id = call.number("folderId", ROOT)
    _require(call.portal, folder_id)
    return Reply({"folder": _shown(call.portal, folder_id)})


def move_list(call: ApiCall) -> Reply:
    """Put a list into a folder (204)."""
    body = call.body()
    for name in ("listId", "newFolderId"):
        if body.get(name) in (None, ""):
            raise invalid(f"Invalid input JSON: some required fields were not set: [{name}]")
    one = find_list(call.portal, bounded(body["listId"], "listId", 0))
    target = bounded(body["newFolderId"], "newFolderId", ROOT)
    _require(call.portal, target)
    one.folder_id, one.updated_at = target, call.now
    return Reply(None, 204)


def rename(call: ApiCall, folder_id: int) -> Reply:
    """Change a folder's name."""
    folder = _existing(call.portal, folder_id)
    folder.name, folder.updated_at = as_text(call.text("newFolderName"), "newFolderName"), call.now
    return Reply({"folder": _shown(call.portal, folder_id)})


def move(call: ApiCall, folder_id: int, parent_id: int) -> Reply:
    """Put a folder into another; 400 when that one is inside it."""
    folder = _existing(call.portal, folder_id)
    _require(call.portal, parent_id)
    above = parent_id
    while above != ROOT:
        if above == folder_id:
            raise invalid("A folder cannot be moved into itself.")
        above = call.portal.folders[above].parent_id
    folder.parent_id, folder.updated_at = parent_id, call.now
    return Reply({"folder": _shown(call.portal, folder_id)})


def delete(call: ApiCall, folder_id: int) -> Reply:
    """Delete an empty folder (204); 400 while lists or folders are in it."""
    _existing(call.portal, folder_id)
    shown = _shown(call.portal, folder_id)
    if shown["childLists"] or shown["childNodes"]:
        raise invalid(f"Folder {folder_id} is not empty; move its lists and folders out first.")
    del call.portal.folders[folder_id]
    return Reply(None, 204)


def _require(portal: Portal, folder_id: int) -> None:
    if folder_id != ROOT:
        _existing(portal, folder_id)


def _existing(portal: Portal, folder_id: int) -> Folder:
    folder = portal.folders.get(folder_id)
    if folder is None:
        raise not_found(f"List folder does not exist with ID {folder_id}.")
    return folder


def _shown(portal: Portal, folder_id: int) -> Json:
    folder = portal.folders.get(folder_id)
    told: Json = {
        "id": str(folder_id),
        "parentFolderId": str(folder.parent_id) if folder else "0",
        "name": folder.name if folder else "",
        "childLists": [one.id for one in portal.lists.values() if one.folder_id == folder_id and one.deleted_at is None],
        "childNodes": [_shown(portal, child.id) for child in portal.folders.values() if child.parent_id == folder_id and child.id != ROOT],
    }
    if folder and folder.created_at and folder.updated_at:
        told |= {"createdAt": iso(folder.created_at), "updatedAt": iso(folder.updated_at)}
    return told
