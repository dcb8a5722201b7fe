-- +goose Up
-- create "new_messages" table
CREATE TABLE `new_messages` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `seq` integer NOT NULL, `role` text NOT NULL, `parts` json NOT NULL, `version` integer NOT NULL DEFAULT (0), `chat_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `messages_chats_messages` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE);
-- copy rows from old table "messages" to new temporary table "new_messages"
INSERT INTO `new_messages` (`id`, `created_at`, `owner_id`, `seq`, `role`, `parts`, `chat_id`) SELECT `id`, `created_at`, `owner_id`, `seq`, `role`, `parts`, `chat_id` FROM `messages`;
-- drop "messages" table after copying rows
DROP TABLE `messages`;
-- rename temporary table "new_messages" to "messages"
ALTER TABLE `new_messages` RENAME TO `messages`;
-- create index "message_owner_id_created_at" to table: "messages"
CREATE INDEX `message_owner_id_created_at` ON `messages` (`owner_id`, `created_at`);
-- create index "message_chat_id_seq" to table: "messages"
CREATE UNIQUE INDEX `message_chat_id_seq` ON `messages` (`chat_id`, `seq`);
-- create index "message_chat_id_version" to table: "messages"
CREATE INDEX `message_chat_id_version` ON `messages` (`chat_id`, `version`) WHERE version > 0;
-- create index "run_chat_id_active" to table: "runs"
CREATE INDEX `run_chat_id_active` ON `runs` (`chat_id`, `created_at`) WHERE finished_at IS NULL;
