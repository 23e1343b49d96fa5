/*
 * What programs in Java do.  "java Jdbc.java WHAT" prints what a user sees.
 */
import java.sql.*;

public class Jdbc
{
	static final String WHOLE = "SELECT rank FROM client";
	static final String UNBOUND = "SELECT rank FROM client WHERE region <> 'US'";

	static Connection connect(String options) throws SQLException
	{
		return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" +
			System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE") +
			"?user=" + System.getenv("PGUSER") + options);
	}

	public static void main(String[] args) throws Exception
	{
		switch (args[0])
		{
			case "rows": rows(); break;
			case "fetch_size": fetchSize(); break;
			case "prepared": prepared(); break;
			case "metadata": metadata(); break;
			case "cancel": cancel(); break;
			case "query_timeout": queryTimeout(); break;
			case "error": error(); break;
			case "prepared_error": preparedError(); break;
			case "broken_fetch": brokenFetch(); break;
			default: throw new IllegalArgumentException(args[0]);
		}
	}

	static int count(ResultSet rows, int most) throws SQLException
	{
		int n = 0;

		while (n < most && rows.next())
			n++;
		return n;
	}

	static void rows() throws SQLException
	{
		try (Statement statement = connect("").createStatement())
		{
			System.out.println(count(statement.executeQuery(WHOLE), 100));
		}
	}

	static void fetchSize() throws SQLException
	{
		Connection connection = connect("");

		connection.setAutoCommit(false);
		try (Statement statement = connection.createStatement())
		{
			statement.setFetchSize(10);
			System.out.println(count(statement.executeQuery(WHOLE), 10));
		}
	}

	/* From the third time on the driver uses a statement that the server has
	 * prepared, whose plan is generic after five more. */
	static void prepared() throws SQLException
	{
		Connection connection = connect("&prepareThreshold=3");
		StringBuilder counts = new StringBuilder();

		try (PreparedStatement statement = connection.prepareStatement(
			"SELECT count(*) FROM client WHERE region = ? AND period = ?"))
		{
			for (int i = 0; i < 10; i++)
			{
				statement.setString(1, i % 2 == 0 ? "GB" : "US");
				statement.setInt(2, 7);
				ResultSet result = statement.executeQuery();
				result.next();
				counts.append(result.getInt(1)).append(' ');
			}
		}
		System.out.println(counts.toString().trim());
	}

	static void metadata() throws SQLException
	{
		DatabaseMetaData metadata = connect("").getMetaData();
		ResultSet columns = metadata.getColumns(null, "public", "client", "r%");
		ResultSet tables = metadata.getTables(null, "public", "client", new String[] { "FOREIGN TABLE" });

		while (columns.next())
			System.out.println(columns.getString("COLUMN_NAME") + " " + columns.getString("TYPE_NAME"));
		System.out.println(count(tables, 10));
	}

	/* Cancels, from another thread, when the standard input ends. */
	static void cancel() throws Exception
	{
		Statement statement = connect("").createStatement();
		Thread canceller = new Thread(() -> {
			try
			{
				System.in.read();
				statement.cancel();
			}
			catch (Exception e)
			{
				System.out.println(e);
			}
		});

		canceller.start();
		try
		{
			statement.executeQuery("SELECT * FROM stalled");
		}
		catch (SQLException e)
		{
			System.out.println(e.getSQLState());
		}
	}

	static void queryTimeout() throws SQLException
	{
		try (Statement statement = connect("").createStatement())
		{
			statement.setQueryTimeout(1);
			statement.executeQuery("SELECT * FROM stalled");
		}
		catch (SQLException e)
		{
			System.out.println(e.getSQLState());
		}
	}

	/* The SQLSTATE and the words of the message that help */
	static void tell(SQLException e)
	{
		String message = e.getMessage();
		String words = message;

		for (String help : new String[] { "write region = ...", "the API rejected the parameters" })
			if (message.contains(help))
				words = help;
		System.out.println(e.getSQLState() + " " + words);
	}

	static void error() throws SQLException
	{
		try (Statement statement = connect("").createStatement())
		{
			statement.executeQuery(UNBOUND);
		}
		catch (SQLException e)
		{
			tell(e);
		}
	}

	static void preparedError() throws SQLException
	{
		try (PreparedStatement statement = connect("&prepareThreshold=1").prepareStatement(
			"SELECT rank FROM client WHERE region <> ?"))
		{
			statement.setString(1, "US");
			statement.executeQuery();
		}
		catch (SQLException e)
		{
			tell(e);
		}
	}

	/* The API refuses the second page. */
	static void brokenFetch() throws SQLException
	{
		Connection connection = connect("");
		int n = 0;

		connection.setAutoCommit(false);
		try (Statement statement = connection.createStatement())
		{
			statement.setFetchSize(10);
			for (ResultSet rows = statement.executeQuery("SELECT rank FROM broken"); rows.next(); )
				n++;
		}
		catch (SQLException e)
		{
			System.out.print(n + " ");
			tell(e);
		}
	}
}
