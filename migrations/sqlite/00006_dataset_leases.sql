-- +goose Up
-- create "new_datasets" table
CREATE TABLE `new_datasets` (`id` text NOT NULL, `created_at` datetime NOT NULL, `name` text NOT NULL, `file_name` text NOT NULL, `source` text NOT NULL DEFAULT ('UPLOAD'), `state` text NOT NULL DEFAULT ('PENDING'), `error_code` text NULL, `error_message` text NULL, `description` text NOT NULL DEFAULT (''), `blob_key` text NOT NULL, `sha256` text NOT NULL, `size_bytes` integer NOT NULL, `format` text NULL, `load_code` text NULL, `row_count` integer NULL, `sample` json NULL, `notes` json NULL, `synced_at` datetime NULL, `profile_epoch` integer NOT NULL DEFAULT (0), `profiling_until` datetime NULL, `profile_losses` integer NOT NULL DEFAULT (0), `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `datasets_users_datasets` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "datasets" to new temporary table "new_datasets"
INSERT INTO `new_datasets` (`id`, `created_at`, `name`, `file_name`, `source`, `state`, `error_code`, `error_message`, `description`, `blob_key`, `sha256`, `size_bytes`, `format`, `load_code`, `row_count`, `sample`, `notes`, `synced_at`, `owner_id`) SELECT `id`, `created_at`, `name`, `file_name`, `source`, `state`, `error_code`, `error_message`, `description`, `blob_key`, `sha256`, `size_bytes`, `format`, `load_code`, `row_count`, `sample`, `notes`, `synced_at`, `owner_id` FROM `datasets`;
-- drop "datasets" table after copying rows
DROP TABLE `datasets`;
-- rename temporary table "new_datasets" to "datasets"
ALTER TABLE `new_datasets` RENAME TO `datasets`;
-- create index "dataset_owner_id_created_at" to table: "datasets"
CREATE INDEX `dataset_owner_id_created_at` ON `datasets` (`owner_id`, `created_at`);
-- create index "dataset_state" to table: "datasets"
CREATE INDEX `dataset_state` ON `datasets` (`state`);
