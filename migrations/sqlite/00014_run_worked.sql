-- +goose Up
-- create "new_runs" table
CREATE TABLE `new_runs` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `state` text NOT NULL DEFAULT ('QUEUED'), `model` text NOT NULL DEFAULT (''), `prompt_hash` text NULL, `client_mutation_id` text NULL, `review_code` bool NOT NULL DEFAULT (false), `based_on_id` text NULL, `edited_index` integer NOT NULL DEFAULT (0), `only_edited` bool NOT NULL DEFAULT (false), `rewind_to` text NULL, `epoch` integer NOT NULL DEFAULT (0), `last_seq` integer NOT NULL DEFAULT (0), `cancel_requested` bool NOT NULL DEFAULT (false), `node` text NULL, `lease_until` datetime NULL, `handovers` integer NOT NULL DEFAULT (0), `compacted_seq` integer NOT NULL DEFAULT (0), `error_code` text NULL, `error_message` text NULL, `prompt_tokens` integer NOT NULL DEFAULT (0), `cached_tokens` integer NOT NULL DEFAULT (0), `completion_tokens` integer NOT NULL DEFAULT (0), `reasoning_tokens` integer NOT NULL DEFAULT (0), `bytes_billed` integer NOT NULL DEFAULT (0), `python_ms` integer NOT NULL DEFAULT (0), `worked_ms` integer NOT NULL DEFAULT (0), `cost_micros` integer NOT NULL DEFAULT (0), `output_bytes` integer NOT NULL DEFAULT (0), `started_at` datetime NULL, `finished_at` datetime NULL, `chat_id` text NOT NULL, `question_id` text NOT NULL, `answer_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `runs_chats_runs` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE, CONSTRAINT `runs_messages_runs` FOREIGN KEY (`question_id`) REFERENCES `messages` (`id`) ON DELETE CASCADE, CONSTRAINT `runs_messages_answer_of` FOREIGN KEY (`answer_id`) REFERENCES `messages` (`id`) ON DELETE SET NULL);
-- copy rows from old table "runs" to new temporary table "new_runs"
INSERT INTO `new_runs` (`id`, `created_at`, `owner_id`, `state`, `model`, `prompt_hash`, `client_mutation_id`, `review_code`, `based_on_id`, `edited_index`, `only_edited`, `rewind_to`, `epoch`, `last_seq`, `cancel_requested`, `node`, `lease_until`, `handovers`, `compacted_seq`, `error_code`, `error_message`, `prompt_tokens`, `cached_tokens`, `completion_tokens`, `reasoning_tokens`, `bytes_billed`, `python_ms`, `cost_micros`, `output_bytes`, `started_at`, `finished_at`, `chat_id`, `question_id`, `answer_id`) SELECT `id`, `created_at`, `owner_id`, `state`, `model`, `prompt_hash`, `client_mutation_id`, `review_code`, `based_on_id`, `edited_index`, `only_edited`, `rewind_to`, `epoch`, `last_seq`, `cancel_requested`, `node`, `lease_until`, `handovers`, `compacted_seq`, `error_code`, `error_message`, `prompt_tokens`, `cached_tokens`, `completion_tokens`, `reasoning_tokens`, `bytes_billed`, `python_ms`, `cost_micros`, `output_bytes`, `started_at`, `finished_at`, `chat_id`, `question_id`, `answer_id` FROM `runs`;
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
-- create index "run_chat_id_active" to table: "runs"
CREATE INDEX `run_chat_id_active` ON `runs` (`chat_id`, `created_at`) WHERE finished_at IS NULL;
-- create index "run_owner_id_client_mutation_id" to table: "runs"
CREATE UNIQUE INDEX `run_owner_id_client_mutation_id` ON `runs` (`owner_id`, `client_mutation_id`);
