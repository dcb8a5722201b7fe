-- +goose Up
-- create "new_chats" table
CREATE TABLE `new_chats` (`id` text NOT NULL, `created_at` datetime NOT NULL, `title` text NOT NULL DEFAULT (''), `archived` bool NOT NULL DEFAULT (false), `last_message_seq` integer NOT NULL DEFAULT (0), `version` integer NOT NULL DEFAULT (0), `updated_at` datetime NOT NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `chats_users_chats` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "chats" to new temporary table "new_chats"
INSERT INTO `new_chats` (`id`, `created_at`, `title`, `archived`, `last_message_seq`, `updated_at`, `owner_id`) SELECT `id`, `created_at`, `title`, `archived`, `last_message_seq`, `updated_at`, `owner_id` FROM `chats`;
-- drop "chats" table after copying rows
DROP TABLE `chats`;
-- rename temporary table "new_chats" to "chats"
ALTER TABLE `new_chats` RENAME TO `chats`;
-- create index "chat_owner_id_created_at" to table: "chats"
CREATE INDEX `chat_owner_id_created_at` ON `chats` (`owner_id`, `created_at`);
-- create index "chat_owner_id_archived_updated_at" to table: "chats"
CREATE INDEX `chat_owner_id_archived_updated_at` ON `chats` (`owner_id`, `archived`, `updated_at`);
-- create "new_runs" table
CREATE TABLE `new_runs` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `state` text NOT NULL DEFAULT ('QUEUED'), `model` text NOT NULL DEFAULT (''), `client_mutation_id` text NULL, `epoch` integer NOT NULL DEFAULT (0), `last_seq` integer NOT NULL DEFAULT (0), `cancel_requested` bool NOT NULL DEFAULT (false), `node` text NULL, `lease_until` datetime NULL, `handovers` integer NOT NULL DEFAULT (0), `compacted_seq` integer NOT NULL DEFAULT (0), `error_code` text NULL, `error_message` text NULL, `prompt_tokens` integer NOT NULL DEFAULT (0), `cached_tokens` integer NOT NULL DEFAULT (0), `completion_tokens` integer NOT NULL DEFAULT (0), `reasoning_tokens` integer NOT NULL DEFAULT (0), `python_ms` integer NOT NULL DEFAULT (0), `started_at` datetime NULL, `finished_at` datetime NULL, `chat_id` text NOT NULL, `question_id` text NOT NULL, `answer_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `runs_chats_runs` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE, CONSTRAINT `runs_messages_runs` FOREIGN KEY (`question_id`) REFERENCES `messages` (`id`) ON DELETE CASCADE, CONSTRAINT `runs_messages_answer_of` FOREIGN KEY (`answer_id`) REFERENCES `messages` (`id`) ON DELETE SET NULL);
-- copy rows from old table "runs" to new temporary table "new_runs"
INSERT INTO `new_runs` (`id`, `created_at`, `owner_id`, `state`, `model`, `client_mutation_id`, `epoch`, `last_seq`, `cancel_requested`, `error_code`, `error_message`, `prompt_tokens`, `cached_tokens`, `completion_tokens`, `reasoning_tokens`, `python_ms`, `started_at`, `finished_at`, `chat_id`, `question_id`, `answer_id`) SELECT `id`, `created_at`, `owner_id`, `state`, `model`, `client_mutation_id`, `epoch`, `last_seq`, `cancel_requested`, `error_code`, `error_message`, `prompt_tokens`, `cached_tokens`, `completion_tokens`, `reasoning_tokens`, `python_ms`, `started_at`, `finished_at`, `chat_id`, `question_id`, `answer_id` FROM `runs`;
-- drop "runs" table after copying rows
DROP TABLE `runs`;
-- rename temporary table "new_runs" to "runs"
ALTER TABLE `new_runs` RENAME TO `runs`;
-- create index "runs_answer_id_key" to table: "runs"
CREATE UNIQUE INDEX `runs_answer_id_key` ON `runs` (`answer_id`);
-- create index "run_owner_id_created_at" to table: "runs"
CREATE INDEX `run_owner_id_created_at` ON `runs` (`owner_id`, `created_at`);
-- create index "run_state" to table: "runs"
CREATE INDEX `run_state` ON `runs` (`state`);
-- create index "run_chat_id_created_at" to table: "runs"
CREATE INDEX `run_chat_id_created_at` ON `runs` (`chat_id`, `created_at`);
-- create index "run_owner_id_client_mutation_id" to table: "runs"
CREATE UNIQUE INDEX `run_owner_id_client_mutation_id` ON `runs` (`owner_id`, `client_mutation_id`);
