-- +goose Up
-- drop index "event_owner_id_created_at" from table: "events"
DROP INDEX `event_owner_id_created_at`;
