-- +goose Up
-- add column "file_names" to table: "chats"
ALTER TABLE `chats` ADD COLUMN `file_names` json NULL;
