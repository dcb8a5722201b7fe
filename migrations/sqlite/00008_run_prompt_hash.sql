-- +goose Up
-- add column "prompt_hash" to table: "runs"
ALTER TABLE `runs` ADD COLUMN `prompt_hash` text NULL;
