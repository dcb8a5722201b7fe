-- +goose Up
-- create "memories" table
CREATE TABLE `memories` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `run_id` text NOT NULL, `through_seq` integer NOT NULL DEFAULT (0), `cleared_seq` integer NOT NULL DEFAULT (0), `text` text NOT NULL DEFAULT (''), `digest` bool NOT NULL DEFAULT (false), `prompt_hash` text NOT NULL, `expense` json NULL, `chat_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `memories_chats_memories` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE);
-- create index "memory_chat_id_created_at" to table: "memories"
CREATE INDEX `memory_chat_id_created_at` ON `memories` (`chat_id`, `created_at`);
