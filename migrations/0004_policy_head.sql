-- What servers remember of policies, kept without reading it again.
--
-- A number for each table of policies, which every transaction that changes the table moves. A
-- server that finds the number where it was knows that nothing has changed since: what it remembers
-- is as new as the question. Whoever changes policies by hand moves it, too:
--
--     UPDATE stockbook.policy_head SET number = number + 1;
--
-- It is the last lock of its transaction, and held until that is committed: a server that has seen
-- the number also sees all changes that moved it.

CREATE TABLE policy_head (
	policy text COLLATE "C" PRIMARY KEY,
	number bigint NOT NULL CHECK (number >= 0)
) WITH (fillfactor = 50);

INSERT INTO policy_head (policy, number)
VALUES ('item', 0), ('item_alias', 0), ('location', 0), ('location_group', 0), ('channel', 0);

GRANT SELECT, UPDATE ON policy_head TO stockbook_service;
