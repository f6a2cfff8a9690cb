"""PocketBase's collections for a class: the fields, rules and indexes that Homeroom's tables have."""

from typing import Any

SIGNED_IN = '@request.auth.id != ""'
ADMIN = '@request.auth.role = "Admin"'
OWN = f"{SIGNED_IN} && owner = @request.auth.id"
# A draft is its owner's, what is public is everybody's.
VISIBLE = f'visibility = "public" || ({SIGNED_IN} && visibility = "class") || ({OWN})'
# Files need a token of their own; it lasts as long as the measurement.
FILE_TOKEN_S = 6 * 3600
THUMBS = ("128x128", "480x0", "1600x0")
_PERSON: tuple[dict[str, Any], ...] = (
    {"name": "name", "type": "text"},
    {"name": "uid", "type": "text", "required": True},
    {"name": "age", "type": "number"},
    {"name": "role", "type": "select", "values": ["User", "Teacher", "Admin"], "maxSelect": 1},
    {"name": "access", "type": "json"},
    {"name": "picture", "type": "text"},
    {"name": "dob", "type": "date", "hidden": True},
)
_CREATED = {"name": "created", "type": "autodate", "onCreate": True, "onUpdate": False}


def users_as_a_class(users: dict[str, Any]) -> dict[str, Any]:
    """What makes of PocketBase's own accounts a class: IDs to sign in with, and Homeroom's rules."""
    # A new instance has accounts with a name and an avatar already.
    kept = [one for one in users["fields"] if one["name"] not in ("name", "avatar")]
    indexes = [
        *users["indexes"],
        "CREATE UNIQUE INDEX `idx_users_uid` ON `users` (`uid`)",
        "CREATE INDEX `idx_users_name` ON `users` (`name`)",
    ]
    return {
        "fields": [*kept, *_PERSON],
        "indexes": indexes,
        "passwordAuth": {"enabled": True, "identityFields": ["email", "uid"]},
        # It would try to send mail.
        "authAlert": users["authAlert"] | {"enabled": False},
        "fileToken": {"duration": FILE_TOKEN_S},
        "listRule": SIGNED_IN,
        "viewRule": SIGNED_IN,
        "createRule": ADMIN,
        "updateRule": f"id = @request.auth.id || {ADMIN}",
        "deleteRule": f"id = @request.auth.id || {ADMIN}",
    }


def plain_members() -> dict[str, Any]:
    """The same people as plain rows."""
    return {"name": "members", "type": "base", "listRule": SIGNED_IN, "fields": list(_PERSON)}


def pictures(users_id: str) -> dict[str, Any]:
    """Pictures of people, whose files only the signed-in may see."""
    file = {
        "name": "file",
        "type": "file",
        "required": True,
        "maxSelect": 1,
        "maxSize": 5 * 1024 * 1024,
        "mimeTypes": ["image/jpeg", "image/png", "image/gif", "image/webp"],
        "thumbs": list(THUMBS),
        "protected": True,
    }
    return {
        "name": "pictures",
        "type": "base",
        "fields": [_owner(users_id), file, _CREATED],
        "indexes": ["CREATE INDEX `idx_pictures_owner` ON `pictures` (`owner`)"],
        "listRule": OWN,
        "viewRule": SIGNED_IN,
        "createRule": OWN,
        "updateRule": OWN,
        "deleteRule": f"{OWN} || {ADMIN}",
    }


def projects(users_id: str, pictures_id: str) -> dict[str, Any]:
    """Projects of people, with their pictures."""
    visibility = {"name": "visibility", "type": "select", "values": ["draft", "class", "public"]}
    shown = {"name": "pictures", "type": "relation", "collectionId": pictures_id, "maxSelect": 24}
    fields = [
        _owner(users_id),
        {"name": "title", "type": "text", "required": True, "max": 120},
        {"name": "summary", "type": "text", "max": 300},
        {"name": "body", "type": "text", "max": 20000},
        visibility | {"maxSelect": 1},
        {"name": "tags", "type": "json"},
        {"name": "links", "type": "json"},
        shown,
        _CREATED,
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]
    indexes = [
        "CREATE INDEX `idx_projects_owner` ON `projects` (`owner`)",
        "CREATE INDEX `idx_projects_title` ON `projects` (`title`)",
        "CREATE INDEX `idx_projects_created` ON `projects` (`created`)",
        "CREATE INDEX `idx_projects_updated` ON `projects` (`updated`)",
    ]
    rules = {"listRule": VISIBLE, "viewRule": VISIBLE, "createRule": OWN, "updateRule": OWN}
    rules["deleteRule"] = f"({OWN}) || {ADMIN}"
    return {"name": "projects", "type": "base", "fields": fields, "indexes": indexes} | rules


def _owner(users_id: str) -> dict[str, Any]:
    relation = {"name": "owner", "type": "relation", "collectionId": users_id, "maxSelect": 1}
    return relation | {"required": True, "cascadeDelete": True}
