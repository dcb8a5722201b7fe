-- +goose Up
-- modify "chats" table
ALTER TABLE "chats" ADD COLUMN "titled_by" character varying NOT NULL DEFAULT 'NOBODY';
