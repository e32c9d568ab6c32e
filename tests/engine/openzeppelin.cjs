// Reads jobs as JSON on standard input and answers with what OpenZeppelin's own library makes of them.
// A job is {types, values} (answer: dump, root, proofs) or {load} (answer: root, proofs).
const { StandardMerkleTree } = require('@openzeppelin/merkle-tree');

const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = jobs.map(job => {
  const tree = job.load ? StandardMerkleTree.load(job.load) : StandardMerkleTree.of(job.values, job.types);
  const proofs = Array.from(tree.entries(), ([index]) => tree.getProof(index));
  return { dump: tree.dump(), root: tree.root, proofs };
});
process.stdout.write(JSON.stringify(answers));
