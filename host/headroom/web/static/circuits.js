// All circuits of a state, each with its board, and what they are called.

export function circuitsOf(state) {
  return state.boards.flatMap((board) => board.circuits.map((circuit) => ({ board, circuit })));
}

// One that no other circuit of the site has.
export const circuitKey = ({ board, circuit }) => `${board.id} ${circuit.number}`;

export const circuitName = ({ board, circuit }) => `${circuit.name}, ${board.id}`;
