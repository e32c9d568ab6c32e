// Reads jobs as JSON on standard input and answers with what OpenZeppelin's own library makes of them.
// A job is {types, values} (answer: dump, root, proofs) or {load} (answer: root, proofs, and whether its own verifier accepts the dump's nodes and every proof).
const { StandardMerkleTree } = require('@openzeppelin/merkle-tree');

const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = jobs.map(job => {
  const tree = job.load ? StandardMerkleTree.load(job.load) : StandardMerkleTree.of(job.values, job.types);
  const proofs = Array.from(tree.entries(), ([index]) => tree.getProof(index));
  tree.validate();
  const verified = Array.from(tree.entries()).every(([index, value]) =>
    StandardMerkleTree.verify(tree.root, tree.leafEncoding, value, proofs[index]));
  return { dump: tree.dump(), root: tree.root, proofs, verified };
});
process.stdout.write(JSON.stringify(answers));
