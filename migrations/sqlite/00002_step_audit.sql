-- +goose Up
-- add column "audit" to table: "steps"
ALTER TABLE `steps` ADD COLUMN `audit` json NULL;
