-- +goose Up
-- modify "runs" table
ALTER TABLE "runs" ADD COLUMN "worked_ms" bigint NOT NULL DEFAULT 0;
