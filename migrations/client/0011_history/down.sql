DROP TABLE history_transfers;
