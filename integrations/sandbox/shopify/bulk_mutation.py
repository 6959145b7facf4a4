"""Running a bulk mutation: one call per line of the upload, in no promised order (shopify.dev, "Perform bulk operations: imports")."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
from graphql import DocumentNode, FieldNode, GraphQLError, GraphQLObjectType, OperationDefinitionNode, parse, validate
from graphql.execution.values import get_argument_values, get_variable_values

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.bulk_compile import Compiler
from integrations.sandbox.shopify.schema import admin_schema
from integrations.sandbox.shopify.staged import SIZE_LIMIT, StagedFile

if TYPE_CHECKING:
    from integrations.sandbox.shopify.bulk import BulkDesk, BulkOperation

NOT_IN_BULK = ("bulkOperationRunMutation", "bulkOperationRunQuery", "bulkOperationCancel", "stagedUploadsCreate")
SLICE = 50  # lines done in one go under the lock
UserError = dict[str, Any]


def check_mutation(text: str) -> tuple[DocumentNode | None, UserError | None]:
    """(document, None), or what forbids the mutation in bulk."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, {
            "field": None,
            "message": "Failed to parse the mutation - " + error.message.replace("Syntax Error: ", "syntax error, "),
            "code": "INVALID_MUTATION",
        }
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation.value != "mutation":
        message = "Invalid operation type. Only `mutation` operations are supported."
        return None, {"field": None, "message": message, "code": "INVALID_MUTATION"}
    fields = operations[0].selection_set.selections
    if len(fields) != 1 or not isinstance(fields[0], FieldNode):
        return None, {"field": ["mutation"], "message": "You must specify a single top level mutation.", "code": None}
    if fields[0].name.value in NOT_IN_BULK:
        return None, {"field": ["mutation"], "message": "You must use an allowed mutation name.", "code": None}
    invalid = validate(admin_schema(), document)
    if invalid:
        return None, {"field": ["mutation"], "message": f"Invalid mutation: {invalid[0].message}", "code": "INVALID_MUTATION"}
    return document, None


def check_upload(access: Access, key: str) -> tuple[StagedFile | None, UserError | None]:
    """(upload, None), or what is wrong with the file at that stagedUploadPath."""
    upload = access.shop.uploads.get(key)
    if upload is None or upload.path is None:
        message = "The JSONL file could not be found. Upload it again, and check that stagedUploadPath is the upload's key."
        return None, {"field": None, "message": message, "code": "NO_SUCH_FILE"}
    if upload.size > SIZE_LIMIT:
        message = "The input file size exceeds the maximum allowed size of 100 MB."
        return None, {"field": None, "message": message, "code": "INVALID_STAGED_UPLOAD_FILE"}
    if upload.size == 0:
        return None, {"field": None, "message": "The input file is empty.", "code": "INVALID_STAGED_UPLOAD_FILE"}
    return upload, None


def run_mutation(
    desk: BulkDesk, access: Access, operation: BulkOperation, document: DocumentNode, upload: StagedFile, path: Path, stop_at: float | None
) -> None:
    """Do every line once, shuffled but the same way each time, and write a result line for each. Raises Canceled."""
    lines = list(enumerate(upload.path.read_bytes().splitlines() if upload.path is not None else []))
    random.Random(operation.id).shuffle(lines)
    if stop_at is not None:
        lines = lines[: int(len(lines) * stop_at)]
    call = _Call(access, document)
    with path.open("wb", buffering=1 << 20) as file:
        for start in range(0, len(lines), SLICE):
            desk.check(operation)
            with desk.world.lock:
                access.now = desk.world.clock.now()
                results = [call.line(raw) | {"__lineNumber": number} for number, raw in lines[start : start + SLICE]]
            file.writelines([orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE) for result in results])
            operation.object_count += len(results)
            operation.root_object_count += len(results)


class _Call:
    """One mutation, ready to be called with the variables of a line."""

    def __init__(self, access: Access, document: DocumentNode) -> None:
        from integrations.sandbox.shopify.mutations import MUTATIONS

        self._operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
        node = cast(FieldNode, self._operation.selection_set.selections[0])
        self._node = node
        self._definition = cast(GraphQLObjectType, admin_schema().mutation_type).fields[node.name.value]
        self._key = node.alias.value if node.alias else node.name.value
        self._mutate = MUTATIONS[node.name.value]
        self._access = access
        self._print = Compiler(access, document).payload(node, self._definition.type)

    def line(self, raw: bytes) -> dict[str, Any]:
        """The result line, without its number."""
        try:
            given = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            return {"errors": [{"message": f"Invalid JSON: {error}"}]}
        if not isinstance(given, dict):
            return {"errors": [{"message": "Invalid JSON: a line must be an object of variables."}]}
        values = get_variable_values(admin_schema(), self._operation.variable_definitions or (), given)
        if isinstance(values, list):
            return {"errors": [dict(error.formatted) for error in values]}
        try:
            payload = self._mutate(self._access, **get_argument_values(self._definition, self._node, values))
        except GraphQLError as error:
            return {"data": {self._key: None}, "errors": [dict(error.formatted) | {"path": [self._key]}]}
        return {"data": {self._key: self._print(payload)}}
