// Generated from lib/ by `npm run types`. Do not edit.

/// <reference types="node" />

import { EventEmitter } from 'node:events';
import { AddressInfo } from 'node:net';

/** Figures of the whole Node process. */
export interface ProcessStats {
	/** Resident memory in bytes. */
	rss: number;
	/** Bytes of the JavaScript heap in use. */
	heapUsed: number;
	/** CPU time of all threads since the process started, in microseconds. */
	cpu: {
		user: number;
		system: number;
	};
	/** Seconds since the process started. */
	uptime: number;
	/**
	 * How busy the JavaScript thread was since its start: milliseconds idle and active, and their ratio.
	 * `performance.eventLoopUtilization(later, earlier)` gives the figure of the time between two of them.
	 */
	eventLoopUtilization: {
		idle: number;
		active: number;
		utilization: number;
	};
}
/**
 * One message: a JSON object in one WebSocket text frame (RFC 6455, section 5.6).
 *
 * Keys beyond these are kept, in their order. A service with messages of its own shape extends this
 * interface and gives it to `WebSocketManager<Out, In>`.
 */
export interface WebSocketMessage {
	/** What kind of message it is. The protocol owns the names that `WebSocketManager` describes. */
	type: string;
	/** The message's content: any value that JSON can hold. */
	payload: any;
	/**
	 * When the message was made, ISO 8601 with milliseconds. A message that is sent without one, or with
	 * an empty one, gets the time of the call as its last key.
	 */
	timestamp?: string | undefined;
	/** The user whom the message concerns. It is passed on and never interpreted. */
	userId?: string | undefined;
	/** The session that the message concerns. It is passed on and never interpreted. */
	sessionId?: string | undefined;
}
/** Where the manager's own lines go. `console` fits, and so does a pino logger. */
export interface WebSocketLogger {
	/** One line for each connection that opens, logs in or closes. Without this method, none of them. */
	debug?(line: string): void;
	/** Listening and closing. */
	info(line: string): void;
	/** Each `warning`. */
	warn(line: string): void;
	/** Each `error`. */
	error(line: string): void;
}
/**
 * Options of a `WebSocketManager`.
 *
 * A value that is undefined, null, NaN, '' or 0 falls through to the environment variable named beside
 * it, and an unset or empty variable to the default; of booleans only undefined and null fall through,
 * and a variable means true only when it is `true`. The one exception is `port: 0`.
 * Other values outside the limits throw: TypeError `ERR_INVALID_OPTION_TYPE`, RangeError
 * `ERR_INVALID_OPTION_RANGE`, and RangeError `ERR_INVALID_ENV` when the environment holds the value.
 */
export interface WebSocketConfig {
	/**
	 * TCP port to listen on, 0 to 65535. `port: 0` lets the system choose a free one, which `address()` tells.
	 * Environment: `WS_PORT`. Default: 8080.
	 */
	port?: number | undefined;
	/**
	 * IP address to listen on, or `localhost`. Names are not looked up, because the socket is bound at once.
	 * Environment: `WS_HOST`. Default: all addresses, IPv6 and IPv4.
	 */
	host?: string | undefined;
	/**
	 * Path of the handshake's request (RFC 6455, section 4.2.1); it starts with `/` and is compared without
	 * the query. Other paths are answered with 404. Environment: `WS_PATH`. Default: `/ws`.
	 */
	path?: string | undefined;
	/**
	 * Milliseconds between two sweeps of the heartbeat. A connection that was silent for more than one
	 * interval is pinged (RFC 6455, section 5.5.2), after more than two it is closed; any frame of it counts.
	 * Environment: `WS_HEARTBEAT_INTERVAL`. Default: 30000. Limit: 2147483647.
	 */
	heartbeatInterval?: number | undefined;
	/**
	 * How many connections may be open. Each further one is closed with code 1013 and "Server overloaded".
	 * Environment: `WS_MAX_CONNECTIONS`. Default: 1000.
	 */
	maxConnections?: number | undefined;
	/**
	 * Whether permessage-deflate (RFC 7692) is negotiated with clients that offer it. The server then always
	 * asks for `server_no_context_takeover` and `client_no_context_takeover`: a message is compressed once,
	 * however many receivers it has, and a connection keeps no window. Environment: `WS_COMPRESSION`.
	 * Default: true.
	 */
	enableCompression?: boolean | undefined;
	/**
	 * Bytes of a message from which on it is compressed, as `threshold` in `ws`; shorter ones gain little.
	 * What would not get smaller is sent as it is. Environment: `WS_COMPRESSION_THRESHOLD`. Default: 1024.
	 * Limit: 536870888; 1 compresses all that gets smaller by it.
	 */
	compressionThreshold?: number | undefined;
	/**
	 * How hard it is tried to make messages small: zlib's level, from 1, the fastest, to 9, the smallest.
	 * Environment: `WS_COMPRESSION_LEVEL`. Default: 6, as in zlib.
	 */
	compressionLevel?: number | undefined;
	/**
	 * Whether silent connections are pinged and removed, see `heartbeatInterval`.
	 * Environment: `WS_HEARTBEAT`. Default: true.
	 */
	enableHeartbeat?: boolean | undefined;
	/**
	 * `'messaging'`: frames are the JSON messages that `WebSocketManager` describes. `'raw'`: nothing is
	 * interpreted and nothing sent on connect; every frame is a `data` event, for a protocol of one's own.
	 * Environment: `WS_PROTOCOL`. Default: `'messaging'`.
	 */
	protocol?: "messaging" | "raw" | undefined;
	/**
	 * Bytes of a client's message at most, over all its fragments and inflated. A larger one closes its connection with
	 * 1009 (RFC 6455, section 7.4.1). Environment: `WS_MAX_PAYLOAD`. Default: 16384. Limit: 536870888,
	 * the longest string of JavaScript.
	 */
	maxPayload?: number | undefined;
	/**
	 * Milliseconds that a client has for the whole handshake, so that one that dribbles holds no socket.
	 * Environment: `WS_HANDSHAKE_TIMEOUT`. Default: 10000. Limit: 2147483647.
	 */
	handshakeTimeout?: number | undefined;
	/**
	 * Milliseconds that a client has to answer a close frame before its socket is closed without it
	 * (RFC 6455, section 7.1.1). Environment: `WS_CLOSE_TIMEOUT`. Default: 5000. Limit: 2147483647.
	 */
	closeTimeout?: number | undefined;
	/**
	 * Bytes that may wait for one connection. A client that reads more slowly than it is sent to meets
	 * `slowConsumer`. Environment: `WS_MAX_BUFFERED_AMOUNT`. Default: 4194304 (4 MiB).
	 */
	maxBufferedAmount?: number | undefined;
	/**
	 * What happens to a connection over `maxBufferedAmount`. `'disconnect'`: it is closed with 1013 and can
	 * resume. `'dropOldest'`: it loses what waits longest. Both are counted in `getStats()` and warned of.
	 * Environment: `WS_SLOW_CONSUMER`. Default: `'disconnect'`.
	 */
	slowConsumer?: "disconnect" | "dropOldest" | undefined;
	/**
	 * Bytes of queued payloads in this manager, each counted once however many receivers it has. A send
	 * over it returns 0 or false, sends nothing, and raises the `warning` `ERR_OVERLOADED`.
	 * Environment: `WS_MEMORY_BUDGET`. Default: 268435456 (256 MiB).
	 */
	memoryBudget?: number | undefined;
	/**
	 * Threads that run the sockets. Environment: `WS_SHARDS`. Default: one less than the processors, from
	 * 1 to 4. Limit: 64.
	 */
	shards?: number | undefined;
	/** Where lines about the server's life go. Default: nowhere. It has no environment variable. */
	logger?: WebSocketLogger | null | undefined;
}
/** The socket of one connection. */
export interface WebSocketSocket {
	/** The state as in browsers: 1 open, 2 closing, 3 closed. */
	readonly readyState: number;
	/**
	 * Sends one frame as it is: text for a string, binary for bytes. Nothing is added, not even a timestamp.
	 * Returns whether the connection was open and took it. Data of another type is refused with the
	 * `warning` `ERR_INVALID_MESSAGE`.
	 */
	send(data: string | ArrayBuffer | ArrayBufferView): boolean;
	/**
	 * Starts the closing handshake (RFC 6455, section 7.1.2).
	 *
	 * @param code Status code: 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default: 1000.
	 * @param reason At most 123 bytes of UTF-8. Default: none.
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for another code or a longer reason.
	 */
	close(code?: number, reason?: string): void;
}
/**
 * One client's connection, as events and `getConnection()` give it: the same object as long as the
 * connection is open. It can still be read after that, and shows the last state.
 */
export interface WebSocketConnection {
	/** The connection's name, for example `conn_1700000000000_k3j9x0a2b`. */
	readonly id: string;
	/** The user that the client logged in as, once it has. */
	readonly userId?: string | undefined;
	/** The session that the client gave when it logged in. */
	readonly sessionId?: string | undefined;
	/** The socket, for frames outside the protocol and for closing. */
	readonly socket: WebSocketSocket;
	/** The topics it is subscribed to now: a copy, so that changing the set changes nothing else. */
	readonly subscriptions: Set<string>;
	/** The rooms it is a member of now: a copy as well. */
	readonly rooms: Set<string>;
	/** When the last frame of any kind arrived from it. */
	readonly lastHeartbeat: Date;
	/** Whatever the service wants to keep with the connection. The server never reads it. */
	data?: any;
}
/** The request that opened a connection (RFC 6455, section 4.1). */
export interface WebSocketRequest {
	/** Path and query, as the client sent them. */
	readonly url: string;
	/** The header fields, names in lower case; the values of a repeated one are joined by `, `. */
	readonly headers: Readonly<Record<string, string>>;
	/** The client's IP address. Behind a proxy it is the proxy's. */
	readonly remoteAddress: string;
	/** The client's TCP port. */
	readonly remotePort: number;
}
/** A fault of one message, listener or connection. The server goes on; it is told and never thrown. */
export interface WebSocketWarning {
	/** Stable name of the kind of fault, for example `ERR_INVALID_MESSAGE`. */
	code: string;
	/** The fault in words, which may change between versions. */
	message: string;
	/** The connection concerned, if it is one connection's fault. */
	connectionId?: string;
	/** What was thrown, if something was. */
	cause?: unknown;
}
/** An error that this package throws, rejects with or emits. */
export interface WebSocketError extends Error {
	/** Stable name of the kind of error. The message may change between versions. */
	code: string;
}
/** What `getStats()` returns. Totals count from the manager's start. */
export interface WebSocketStats {
	/** Open connections. */
	connections: number;
	/** Users with at least one open connection. */
	users: number;
	/** Rooms with at least one member. */
	rooms: number;
	/** Topics with at least one subscriber. */
	topics: number;
	/** Connections opened in total. */
	totalConnections: number;
	/** Messages received. */
	messagesIn: number;
	/** Messages handed to receivers: a broadcast counts once for each of them. */
	messagesOut: number;
	/** Bytes read from sockets. */
	bytesIn: number;
	/** Bytes written to sockets. */
	bytesOut: number;
	/** Bytes of payloads that wait now, counted against `memoryBudget`. */
	queuedBytes: number;
	/** How often a connection went over `maxBufferedAmount`. */
	slowConsumers: number;
	/** Threads that run the sockets. */
	shards: number;
	/** Messages that did not reach the network. */
	drops: {
		/** Sends refused over `memoryBudget`. */
		overloaded: number;
		/** Messages dropped because their receiver read too slowly. */
		slowConsumer: number;
		/** Receivers that a send counted and that had left when the engine carried it out. */
		departed: number;
		/** Messages that were queued for a receiver whose connection ended before they were written. */
		unwritten: number;
	};
	/** Handshakes and connections refused, by reason, for example `not_found` or `server_overloaded`. */
	refusals: Record<string, number>;
	/** Figures of the process. */
	process: ProcessStats;
}
/**
 * The events of a `WebSocketManager` and what their listeners are given.
 *
 * An event that nobody listens to never reaches the JavaScript thread. Several events may be emitted in
 * one turn of the event loop.
 */
export interface WebSocketManagerEvents<In extends WebSocketMessage = WebSocketMessage> {
	/** The manager accepts connections. */
	listening: [
		address: AddressInfo
	];
	/** A client's handshake is complete. */
	connection: [
		connection: WebSocketConnection,
		request: WebSocketRequest
	];
	/**
	 * A client sent a message whose type the protocol does not own. Without a listener the client is
	 * answered with the `error` "Unknown message type", and so it always is for a type that is missing,
	 * empty or no string.
	 */
	message: [
		message: In,
		connection: WebSocketConnection
	];
	/** A client sent a binary frame that is not a JSON message. */
	binary: [
		data: Buffer,
		connection: WebSocketConnection
	];
	/** A client sent a frame under `protocol: 'raw'`: a string for text, a Buffer for binary. */
	data: [
		data: string | Buffer,
		connection: WebSocketConnection
	];
	/** A client logged in; `connection.userId` says as whom. */
	authenticated: [
		connection: WebSocketConnection
	];
	/** A connection ended. Code 1006 means that it ended without a close frame (RFC 6455, section 7.1.5). */
	disconnect: [
		connection: WebSocketConnection,
		code: number,
		reason: string
	];
	/**
	 * The server itself failed: the port is taken, or a connection could not be accepted. As in Node it is
	 * an uncaught exception when nobody listens and, for the port, nobody called `ready()`.
	 */
	error: [
		error: WebSocketError
	];
	/** A fault of one message, listener or connection. It is never thrown. */
	warning: [
		warning: WebSocketWarning
	];
	/** Node's own: a listener is about to be added. */
	newListener: [
		event: string | symbol,
		listener: (...args: unknown[]) => void
	];
	/** Node's own: a listener was removed. */
	removeListener: [
		event: string | symbol,
		listener: (...args: unknown[]) => void
	];
}
/** A topic under kafkajs's names. */
export interface EmbeddedTopic {
	/** 1 to 249 letters, digits, `.`, `_` and `-`. */
	topic: string;
	/** Default: 4, as for topics that clients create by using them. Limit: 1 to 1,000. */
	numPartitions?: number;
}
export interface EmbeddedKafkaConfig {
	/** How many brokers, each with a port of its own. Default: 1. Limit: 1 to 16. */
	brokers?: number;
	/** Topics that are there from the start. Default: none. */
	topics?: EmbeddedTopic[];
}
/**
 * Brokers inside this process, for tests and demos: librdkafka's mock cluster, which clients reach as a real one,
 * from other processes too. It starts in milliseconds, and what it holds goes with it.
 *
 * It serves producing (idempotent and in transactions too, for librdkafka's clients), fetching, consumer groups,
 * commits and metadata; topics appear when they are used. Its limits:
 * - Its ports listen on loopback (127.0.0.1) only, without TLS or SASL.
 * - Admin requests are not served, so `admin.createTopics()` times out: `createTopic()` of this class does it.
 *   Neither are listing of groups, configurations and ACLs.
 * - A partition keeps 5 MB or 100,000 batches; the oldest go without a word.
 * - There is no isolation: `read_committed` sees aborted messages too. kafkajs's idempotent producer fails on it.
 * - A group has its first generation after 50 ms, not after the 3 s of a real broker.
 *
 * Like a server, it keeps the process alive until `close()`.
 */
export declare class EmbeddedKafka {
	#private;
	/** `host:port` of each broker, as `brokers` of a client's configuration takes them. */
	readonly brokers: string[];
	private constructor();
	/**
	 * Starts the brokers.
	 *
	 * @throws TypeError `ERR_INVALID_OPTION_TYPE`, RangeError `ERR_INVALID_OPTION_RANGE`: an option that is not as
	 * documented.
	 * @throws Error `ERR_EMBEDDED_KAFKA`: the system has no thread or port, or two topics have one name.
	 */
	static start(config?: EmbeddedKafkaConfig): Promise<EmbeddedKafka>;
	/**
	 * Creates a topic, as many replicas as there are brokers, at most 3.
	 *
	 * @param numPartitions Default: 4. Limit: 1 to 1,000.
	 * @throws Error `ERR_EMBEDDED_KAFKA`: there is one of this name, or `close()` was called.
	 */
	createTopic(topic: string, numPartitions?: number): Promise<void>;
	/** Ends the brokers and all connections to them. Resolves when their ports are free; twice is fine. */
	close(): Promise<void>;
}
type Listener<Arguments extends unknown[]> = (...args: Arguments) => void;
declare class TypedEmitter<Events extends {
	[K in keyof Events]: unknown[];
}> extends EventEmitter {
	/** Emits an event to its listeners at once. Returns whether there were any. */
	emit: <K extends keyof Events & string>(event: K, ...args: Events[K]) => boolean;
	/** Calls `listener` for each event of this name from now on. */
	on<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** The same as `on`. */
	addListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** Calls `listener` for the next event of this name only. */
	once<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** As `on`, before the listeners that are already there. */
	prependListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** As `once`, before the listeners that are already there. */
	prependOnceListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** Removes a listener that was added for this event. */
	off<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** The same as `off`. */
	removeListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** Removes all listeners, or those of one event. */
	removeAllListeners(event?: keyof Events & string): this;
}
/**
 * A WebSocket server (RFC 6455) on a port of its own, with users, rooms and topics.
 *
 * It listens as soon as it is made, and its sockets are run by threads beside the JavaScript thread. A
 * send is serialised when the call returns, arrives in the order of the calls, and never throws: a
 * message that cannot be sent gives 0 or false and a `warning`. After `close()` every method answers as
 * for a server without connections.
 *
 * Clients send JSON text frames: `authenticate` {userId, sessionId, token}, `subscribe` and
 * `unsubscribe` {topic}, `join_room` and `leave_room` {room}, `heartbeat`; each is answered. Any other
 * type is a `message` event.
 *
 * @typeParam Out - the messages that the service sends
 * @typeParam In - the messages that clients send to it
 */
export declare class WebSocketManager<Out extends WebSocketMessage = WebSocketMessage, In extends WebSocketMessage = WebSocketMessage> extends TypedEmitter<WebSocketManagerEvents<In>> {
	#private;
	/**
	 * Binds the port at once and accepts connections from the next turn of the event loop on, so that
	 * listeners set after this call see every one. A port that cannot be had is an `error` event.
	 *
	 * @throws TypeError `ERR_INVALID_OPTION_TYPE`, RangeError `ERR_INVALID_OPTION_RANGE`: an option that
	 * cannot be, named at the start of the message. RangeError `ERR_INVALID_ENV`: an environment variable.
	 */
	constructor(config?: WebSocketConfig | null);
	/**
	 * Attaches a manager to a server of one's own: it gets the upgrades (RFC 9110, section 7.8) of its `path`,
	 * and listens on no port. All options but `port` and `host` apply. The server goes on serving http, and
	 * upgrades of other paths go to whoever listens for them; where nobody does, they are answered with 404.
	 * `close()` detaches it and leaves the server as it was.
	 *
	 * @param server - an `http.Server` or `https.Server` of Node, listening or not yet, which is what
	 * `listen()` of Express and Koa and Hono's `serve()` return, Fastify's `server` and Nest's
	 * `getHttpServer()`; or on Node the app that `app.listen()` of Elysia returns. Elysia's adapter 1.4 does not
	 * tell where it listens: until the first upgrade, `address()` is null and `ready()` gives an empty address
	 * with the port 0.
	 * @throws TypeError `ERR_UNSUPPORTED_SERVER`: anything else, or a server that was closed. Error
	 * `ERR_PATH_IN_USE`: another manager has this path of this server. Options as in the constructor.
	 */
	static fromHttpServer<Out extends WebSocketMessage = WebSocketMessage, In extends WebSocketMessage = WebSocketMessage>(server: object, config?: WebSocketConfig | null): WebSocketManager<Out, In>;
	/**
	 * Resolves with the address as soon as the manager accepts connections, or has long done so. Rejects
	 * with the fault of binding, for example `EADDRINUSE`, or `ERR_MANAGER_CLOSED` if it was closed before.
	 */
	ready(): Promise<AddressInfo>;
	/**
	 * The address that it listens on, known as soon as it is made; null without one and after `close()`. Of an
	 * attached manager it is its server's, null until that listens.
	 */
	address(): AddressInfo | null;
	/** Sends to one connection. Returns whether it was open. */
	sendToConnection(connectionId: string, message: Out): boolean;
	/** Sends to all connections of a user. Returns how many were open. */
	sendToUser(userId: string, message: Out): number;
	/** Sends to all members of a room. Returns how many were open. */
	sendToRoom(room: string, message: Out): number;
	/** Sends to all subscribers of a topic. Returns how many were open. */
	broadcastToTopic(topic: string, message: Out): number;
	/** Sends to all connections. Returns how many were open. */
	broadcast(message: Out): number;
	/**
	 * Sends a message and waits for the client's answer: the next message of that client with the same
	 * `id` that is none of the protocol's own. It need not have a `type`, unlike any other message: it is
	 * the `id` that says what it answers. The message goes out with its own `id` if that is a string of 1 to 64 bytes, else with a new one.
	 *
	 * @param options.timeout - milliseconds to wait, 1 to 2147483647. Default: 10000.
	 * @returns the answer, which is then no `message` event. Rejects with `ERR_REQUEST_TIMEOUT`,
	 * `ERR_CONNECTION_CLOSED` (also for an unknown connection), `ERR_DUPLICATE_REQUEST` (the connection's
	 * answer to another request with this `id` is still awaited), `ERR_OVERLOADED`, `ERR_INVALID_MESSAGE`,
	 * or for a timeout that cannot be.
	 */
	request<Answer extends WebSocketMessage = In>(connectionId: string, message: Out & {
		id?: string | undefined;
	}, options?: {
		timeout?: number | undefined;
	}): Promise<Answer>;
	/**
	 * Makes a connection a member of a room; joining twice counts once. What is sent to the room after
	 * this call reaches it. Returns whether the connection is open.
	 *
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for a room that is neither a string nor a number
	 * (which counts in its decimal form), is empty or is over 256 bytes.
	 */
	joinRoom(connectionId: string, room: string): boolean;
	/** Ends a membership. Returns whether there was one. Throws as `joinRoom` does. */
	leaveRoom(connectionId: string, room: string): boolean;
	/** Subscribes a connection to a topic, as `joinRoom` does for a room. */
	subscribe(connectionId: string, topic: string): boolean;
	/** Ends a subscription. Returns whether there was one. Throws as `joinRoom` does. */
	unsubscribe(connectionId: string, topic: string): boolean;
	/**
	 * Closes a connection, behind what was sent to it before (RFC 6455, section 7.1.2). Returns whether it
	 * was open.
	 *
	 * @param code - 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default: 1000.
	 * @param reason - at most 123 bytes of UTF-8. Default: none.
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for another code or a longer reason.
	 */
	disconnect(connectionId: string, code?: number, reason?: string): boolean;
	/** How many connections are open. */
	getConnectionCount(): number;
	/** The rooms that have members. */
	getActiveRooms(): string[];
	/** The topics that have subscribers. */
	getActiveTopics(): string[];
	/** The ids of a room's connections. */
	getRoomMembers(room: string): string[];
	/** The ids of a topic's connections. */
	getTopicSubscribers(topic: string): string[];
	/** The ids of a user's connections. */
	getUserConnections(userId: string): string[];
	/** An open connection, or undefined if there is none of this id. */
	getConnection(connectionId: string): WebSocketConnection | undefined;
	/** All open connections. This makes an object for each of them; for the number alone, see the count. */
	getConnections(): WebSocketConnection[];
	/** Figures of this manager and of the process, as they are now. */
	getStats(): WebSocketStats;
	/**
	 * Stops accepting and closes all connections with 1001 (RFC 6455, section 7.4.1). From this call on
	 * nothing is connected; `disconnect` events follow. A second call does nothing.
	 */
	close(): void;
	/**
	 * As `close`, and resolves when what was queued is written and all connections have ended, or when the
	 * time is up, which ends the rest.
	 *
	 * @param options.timeout - milliseconds, 0 to 2147483647. Default: 10000.
	 */
	shutdown(options?: {
		timeout?: number | undefined;
	}): Promise<void>;
	/** `await using manager = new WebSocketManager()`: the same as `shutdown()`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}

export {};
