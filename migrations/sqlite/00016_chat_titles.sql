-- +goose Up
-- create "new_chats" table
CREATE TABLE `new_chats` (`id` text NOT NULL, `created_at` datetime NOT NULL, `title` text NOT NULL DEFAULT (''), `titled_by` text NOT NULL DEFAULT ('NOBODY'), `client_mutation_id` text NULL, `copied_to_id` text NULL, `archived` bool NOT NULL DEFAULT (false), `last_message_seq` integer NOT NULL DEFAULT (0), `version` integer NOT NULL DEFAULT (0), `updated_at` datetime NOT NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `chats_users_chats` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "chats" to new temporary table "new_chats"
INSERT INTO `new_chats` (`id`, `created_at`, `title`, `client_mutation_id`, `copied_to_id`, `archived`, `last_message_seq`, `version`, `updated_at`, `owner_id`) SELECT `id`, `created_at`, `title`, `client_mutation_id`, `copied_to_id`, `archived`, `last_message_seq`, `version`, `updated_at`, `owner_id` FROM `chats`;
-- drop "chats" table after copying rows
DROP TABLE `chats`;
-- rename temporary table "new_chats" to "chats"
ALTER TABLE `new_chats` RENAME TO `chats`;
-- create index "chat_owner_id_created_at" to table: "chats"
CREATE INDEX `chat_owner_id_created_at` ON `chats` (`owner_id`, `created_at`);
-- create index "chat_owner_id_archived_updated_at" to table: "chats"
CREATE INDEX `chat_owner_id_archived_updated_at` ON `chats` (`owner_id`, `archived`, `updated_at`);
-- create index "chat_owner_id_client_mutation_id" to table: "chats"
CREATE UNIQUE INDEX `chat_owner_id_client_mutation_id` ON `chats` (`owner_id`, `client_mutation_id`);
