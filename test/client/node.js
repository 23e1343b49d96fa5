// What programs in JavaScript do: node-postgres with its cursor and stream.
// "node node.js WHAT" prints what a user sees.

const pg = require('pg');

const WHOLE = 'SELECT rank FROM client';
const UNBOUND = "SELECT rank FROM client WHERE region <> 'US'";

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
		const Cursor = require('pg-cursor');
		const cursor = client.query(new Cursor(WHOLE));
		const rows = await cursor.read(10);
		await cursor.close();
		return rows.length;
	},

	async stream(client) {
		const QueryStream = require('pg-query-stream');
		let n = 0;
		for await (const row of client.query(new QueryStream(WHOLE, [], { batchSize: 10 })))
			n += row ? 1 : 0;
		return n;
	},

	async error(client) {
		try {
			await client.query(UNBOUND);
		} catch (error) {
			return `${error.code} ${error.message.includes('write region = ...')}`;
		}
	},
};

async function main() {
	const client = new pg.Client();
	await client.connect();
	console.log(await acts[process.argv[2]](client));
	await client.end();
}

main();
