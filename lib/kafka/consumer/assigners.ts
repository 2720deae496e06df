/**
 * kafkajs's assigners. The engine assigns by itself: this one is for code that names it, or calls it.
 */
import { AssignerProtocol } from './assigner-protocol.js';
import type {
  AssignerCluster,
  Assignment,
  MemberAssignment,
  MemberMetadata,
  PartitionAssigner,
} from './types.js';

/** Gives all partitions, topic by topic, to the members in turn. */
const roundRobin: PartitionAssigner = ({ cluster }: { cluster: AssignerCluster }) => ({
  name: 'RoundRobinAssigner',
  version: 0,

  async assign({ members, topics }) {
    const ids = members.map(({ memberId }) => memberId).sort();
    const assignments = new Map<string, Assignment>();
    const partitions = topics.flatMap((topic) =>
      cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partitionId })),
    );
    for (const [turn, { topic, partitionId }] of partitions.entries()) {
      const id = ids[turn % ids.length] as string;
      const assignment = assignments.get(id) ?? {};
      assignments.set(id, assignment);
      assignment[topic] ??= [];
      assignment[topic].push(partitionId);
    }
    return Array.from(assignments, ([memberId, assignment]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: this.version,
        assignment,
      } as MemberAssignment),
    }));
  },

  protocol({ topics }) {
    const metadata = AssignerProtocol.MemberMetadata.encode({
      version: this.version,
      topics,
    } as MemberMetadata);
    return { name: this.name, metadata };
  },
});

/** The assigners that kafkajs has. */
export const PartitionAssigners: { roundRobin: PartitionAssigner } = { roundRobin };
