-- +goose Up
-- modify "chats" table
ALTER TABLE "chats" ADD COLUMN "file_names" jsonb NULL;
