/**
 * Services as they were written for the library that this package replaces. They only have to compile:
 * what compiled there compiles here, unchanged.
 */
import {
  type WebSocketConfig,
  type WebSocketConnection,
  WebSocketManager,
  type WebSocketMessage,
} from '@libs/messaging';

interface DomainEvent {
  type: string;
  userId?: string;
  data: Record<string, unknown>;
}

/** Sends what happened to whom it concerns. */
export class NotificationService {
  private readonly wsManager: WebSocketManager;

  constructor(config?: WebSocketConfig) {
    this.wsManager = new WebSocketManager(config);
  }

  notifyUser(userId: string, event: DomainEvent): boolean {
    const message: WebSocketMessage = {
      type: 'notification',
      payload: event,
      timestamp: new Date().toISOString(),
      userId,
    };
    return this.wsManager.sendToUser(userId, message) > 0;
  }

  notifyCareTeam(patientId: string, payload: unknown): number {
    return this.wsManager.sendToRoom(`care_team_${patientId}`, { type: 'care_team', payload });
  }

  announce(text: string): void {
    this.wsManager.broadcastToTopic('announcements', { type: 'announcement', payload: { text } });
    this.wsManager.broadcast({ type: 'system', payload: { text } });
  }

  stats(): { connections: number; rooms: number; members: Record<string, string[]> } {
    const rooms = this.wsManager.getActiveRooms();
    return {
      connections: this.wsManager.getConnectionCount(),
      rooms: rooms.length,
      members: Object.fromEntries(rooms.map((room) => [room, this.wsManager.getRoomMembers(room)])),
    };
  }

  stop(): void {
    this.wsManager.close();
  }
}

const gateway = new WebSocketManager({
  port: 3001,
  path: '/ws',
  heartbeatInterval: 30000,
  maxConnections: 1000,
  enableCompression: true,
  enableHeartbeat: true,
});

/** Relays an event of another service: to its user, or to all if it is the system's. */
export function relay(event: DomainEvent): number {
  const message: WebSocketMessage = { type: event.type, payload: event.data };
  return event.userId ? gateway.sendToUser(event.userId, message) : gateway.broadcast(message);
}

/** The answer of `GET /api/websocket/stats`. */
export const statsRoute = () => ({
  connections: gateway.getConnectionCount(),
  rooms: gateway.getActiveRooms(),
});

/** What a service reads of a connection. */
export function describeConnection(connection: WebSocketConnection): string {
  const { id, userId = 'nobody', sessionId, subscriptions, lastHeartbeat } = connection;
  const topics = [...subscriptions].join(', ');
  return `${id} ${userId} ${sessionId ?? ''} ${topics} ${lastHeartbeat.toISOString()}`;
}
