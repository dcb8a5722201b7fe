-- +goose Up
-- create "new_columns" table
CREATE TABLE `new_columns` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `position` integer NOT NULL, `name` text NOT NULL, `type` text NOT NULL, `description` text NOT NULL DEFAULT (''), `source_description` text NOT NULL DEFAULT (''), `null_count` integer NULL, `distinct_count` integer NULL, `min` text NULL, `max` text NULL, `sample_values` json NULL, `dataset_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `columns_datasets_columns` FOREIGN KEY (`dataset_id`) REFERENCES `datasets` (`id`) ON DELETE CASCADE);
-- copy rows from old table "columns" to new temporary table "new_columns"
INSERT INTO `new_columns` (`id`, `created_at`, `owner_id`, `position`, `name`, `type`, `description`, `null_count`, `distinct_count`, `min`, `max`, `sample_values`, `dataset_id`) SELECT `id`, `created_at`, `owner_id`, `position`, `name`, `type`, `description`, `null_count`, `distinct_count`, `min`, `max`, `sample_values`, `dataset_id` FROM `columns`;
-- drop "columns" table after copying rows
DROP TABLE `columns`;
-- rename temporary table "new_columns" to "columns"
ALTER TABLE `new_columns` RENAME TO `columns`;
-- create index "column_owner_id_created_at" to table: "columns"
CREATE INDEX `column_owner_id_created_at` ON `columns` (`owner_id`, `created_at`);
-- create index "column_dataset_id_position" to table: "columns"
CREATE UNIQUE INDEX `column_dataset_id_position` ON `columns` (`dataset_id`, `position`);
-- create "new_datasets" table
CREATE TABLE `new_datasets` (`id` text NOT NULL, `created_at` datetime NOT NULL, `name` text NOT NULL, `file_name` text NOT NULL, `source` text NOT NULL DEFAULT ('UPLOAD'), `state` text NOT NULL DEFAULT ('PENDING'), `error_code` text NULL, `error_message` text NULL, `description` text NOT NULL DEFAULT (''), `source_description` text NOT NULL DEFAULT (''), `blob_key` text NOT NULL DEFAULT (''), `sha256` text NOT NULL DEFAULT (''), `size_bytes` integer NOT NULL DEFAULT (0), `format` text NULL, `load_code` text NULL, `row_count` integer NULL, `sample` json NULL, `notes` json NULL, `synced_at` datetime NULL, `profile_epoch` integer NOT NULL DEFAULT (0), `profiling_until` datetime NULL, `profile_losses` integer NOT NULL DEFAULT (0), `connection` text NULL, `table_project` text NULL, `table_dataset` text NULL, `table_name` text NULL, `table_type` text NULL, `etag` text NULL, `partitioning` json NULL, `clustering` json NULL, `modified_at` datetime NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `datasets_users_datasets` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "datasets" to new temporary table "new_datasets"
INSERT INTO `new_datasets` (`id`, `created_at`, `name`, `file_name`, `source`, `state`, `error_code`, `error_message`, `description`, `blob_key`, `sha256`, `size_bytes`, `format`, `load_code`, `row_count`, `sample`, `notes`, `synced_at`, `profile_epoch`, `profiling_until`, `profile_losses`, `owner_id`) SELECT `id`, `created_at`, `name`, `file_name`, `source`, `state`, `error_code`, `error_message`, `description`, IFNULL(`blob_key`, ('')) AS `blob_key`, IFNULL(`sha256`, ('')) AS `sha256`, IFNULL(`size_bytes`, (0)) AS `size_bytes`, `format`, `load_code`, `row_count`, `sample`, `notes`, `synced_at`, `profile_epoch`, `profiling_until`, `profile_losses`, `owner_id` FROM `datasets`;
-- drop "datasets" table after copying rows
DROP TABLE `datasets`;
-- rename temporary table "new_datasets" to "datasets"
ALTER TABLE `new_datasets` RENAME TO `datasets`;
-- create index "dataset_owner_id_created_at" to table: "datasets"
CREATE INDEX `dataset_owner_id_created_at` ON `datasets` (`owner_id`, `created_at`);
-- create index "dataset_state" to table: "datasets"
CREATE INDEX `dataset_state` ON `datasets` (`state`);
