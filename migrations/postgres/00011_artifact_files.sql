-- +goose Up
-- create index "artifact_blob_key" to table: "artifacts"
CREATE INDEX "artifact_blob_key" ON "artifacts" ("blob_key");
