// What programs in JavaScript do: node-postgres with its cursor and stream.
// "node node.js WHAT" prints what a user sees.

const pg = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');

const WHOLE = 'SELECT rank FROM client';
const UNBOUND = "SELECT rank FROM client WHERE region <> 'US'";
const BROKEN = 'SELECT rank FROM broken';
const STALLED = 'SELECT rank FROM stalled';

// The SQLSTATE and the words of the message that help
function told(error) {
	const words = ['write region = ...', 'the API rejected the parameters'].find(help => error.message.includes(help));
	return `${error.code} ${words || error.message}`;
}

// Act when the standard input ends.
function whenTold(act) {
	process.stdin.on('end', act).resume();
}

async function connect() {
	const client = new pg.Client();
	await client.connect();
	return client;
}

const acts = {
	async rows(client) {
		const result = await client.query('SELECT count(*) FROM client WHERE region = ANY($1)', [['GB', 'US']]);
		return result.rows[0].count;
	},

	async prepared(client) {
		const counts = [];
		for (const region of ['US', 'GB', 'FR', 'DE', 'JP', 'IT', 'ES']) {
			const query = { name: 'q', text: 'SELECT count(*) FROM client WHERE region = $1', values: [region] };
			counts.push((await client.query(query)).rows[0].count);
		}
		return counts.join(' ');
	},

	async cursor(client) {
		const cursor = client.query(new Cursor(WHOLE));
		const rows = await cursor.read(10);
		await cursor.close();
		return rows.length;
	},

	async stream(client) {
		let n = 0;
		for await (const row of client.query(new QueryStream(WHOLE, [], { batchSize: 10 })))
			n += row ? 1 : 0;
		return n;
	},

	async error(client) {
		return client.query(UNBOUND).catch(told);
	},

	async cursor_error(client) {
		return client.query(new Cursor(UNBOUND)).read(10).catch(told);
	},

	// The API refuses the second page.
	async broken_stream(client) {
		let n = 0;
		try {
			for await (const row of client.query(new QueryStream(BROKEN, [], { batchSize: 10 })))
				n += row ? 1 : 0;
		} catch (error) {
			return `${n} ${told(error)}`;
		}
	},

	async cancel(client) {
		const other = await connect();
		whenTold(() => other.query('SELECT pg_cancel_backend($1)', [client.processID]).then(() => other.end()));
		return client.query(STALLED).catch(error => error.code);
	},
};

async function main() {
	const client = await connect();
	console.log(await acts[process.argv[2]](client));
	await client.end();
}

main();
