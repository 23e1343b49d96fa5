
# Python: psycopg2, psycopg 3, SQLAlchemy, and psqlODBC by pyodbc.

use strict;
use warnings;

use Test::More;

use KeyapiClient;

my $client = KeyapiClient->new('/usr/bin/python3', 'test/client/python.py');

foreach my $case (
	[ 'psycopg2_rows',         90,                     6 ],
	[ 'psycopg2_prepared',     '45 45 45 45 45 45 45', 21 ],
	[ 'psycopg2_named_cursor', 10,                     1 ],
	[ 'psycopg2_copy',         45,                     3 ],
	[ 'psycopg_prepared',      '45 45 45 45 45 45 45', 21 ],
	[ 'psycopg_pipeline',      '45 45',                6 ],
	[ 'psycopg_named_cursor',  10,                     1 ],
	[ 'psycopg_copy',          45,                     3 ],
	[ 'sqlalchemy_reflection', "rank:INTEGER region:TEXT period:INTEGER order_by:TEXT\nTrue", 0 ],
	[ 'sqlalchemy_rows',       '1 2',                  1 ],
	[ 'sqlalchemy_stream',     10,                     1 ],
	[ 'odbc_rows',             45,                     3 ],
	[ 'odbc_prepared',         '45 45 45 45 45 45 45', 21 ],
	[ 'odbc_declare_fetch',    10,                     1 ],
	[ 'odbc_columns',          'rank region period order_by', 0 ])
{
	my ($what, $output, $requests) = @$case;

	$client->gives($what, $output, $requests, $what =~ tr/_/ /r);
}

# A query that does not say what it reads
foreach my $what (qw(psycopg2_error psycopg_error psycopg_pipeline_error psycopg_named_cursor_error
	psycopg_copy_error sqlalchemy_error odbc_error))
{
	$client->advises($what, $what =~ tr/_/ /r);
}

# The API refuses the second page: the rows before it, and the error
foreach my $what (qw(psycopg2_broken_cursor psycopg_broken_cursor psycopg_broken_copy odbc_broken_fetch))
{
	$client->gives($what, '20 22023 the API rejected the parameters', 2, $what =~ tr/_/ /r, table => 'broken');
}

foreach my $what (qw(psycopg2_cancel psycopg_cancel odbc_cancel))
{
	$client->cancels($what, $what =~ tr/_/ /r);
}

$client->t->stop;
done_testing();
