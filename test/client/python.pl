
# Python: psycopg2, psycopg 3, SQLAlchemy, and psqlODBC by pyodbc.

use strict;
use warnings;

use Test::More;

use KeyapiClient;

my $client = KeyapiClient->new('/usr/bin/python3', 'test/client/python.py');
my $error  = '0A000 query restricts "region" of foreign table "client", but does';

foreach my $case (
	[ 'psycopg2_rows',          90,                                    6 ],
	[ 'psycopg2_named_cursor',  10,                                    1 ],
	[ 'psycopg2_copy',          45,                                    3 ],
	[ 'psycopg2_error',         $error,                                0 ],
	[ 'psycopg2_cancel',        57014,                                 0 ],
	[ 'psycopg_prepared',       '45 45 45 45 45 45 45',                21 ],
	[ 'psycopg_pipeline',       '45 45',                               6 ],
	[ 'psycopg_pipeline_error', '0A000',                               0 ],
	[ 'psycopg_named_cursor',   10,                                    1 ],
	[ 'psycopg_copy',           45,                                    3 ],
	[ 'sqlalchemy_reflection',  "rank:INTEGER region:TEXT period:INTEGER order_by:TEXT\nTrue", 0 ],
	[ 'sqlalchemy_rows',        '1 2',                                 1 ],
	[ 'sqlalchemy_error',       '0A000',                               0 ],
	[ 'odbc_rows',              45,                                    3 ],
	[ 'odbc_declare_fetch',     10,                                    1 ],
	[ 'odbc_columns',           'rank region period order_by',         0 ],
	[ 'odbc_error',             '0A000',                               0 ])
{
	my ($what, $output, $requests) = @$case;

	$client->gives($what, $output, $requests, $what =~ tr/_/ /r);
}

$client->t->stop;
done_testing();
