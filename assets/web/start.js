// Unpacks program and data, which stand in the page as letters, and begins.

const DAMAGED = [
  "This file came over damaged or not whole: fetch it again",
  "파일이 손상되었거나 온전히 전송되지 않았습니다: 다시 받으십시오",
  "Tiedosto on vioittunut tai jäi vajaaksi: hae se uudelleen",
];

function complain(text) {
  const wait = document.getElementById("wait");
  wait.hidden = false;
  wait.firstElementChild.textContent = text;
  document.body.dataset.failed = text;
}

async function begin() {
  // The policy of the page knows the hash of the program.
  const program = document.createElement("script");
  program.textContent = new TextDecoder().decode(unpacked(bytesOf("program")).data);
  document.head.append(program);
  await showCity(unpacked(bytesOf("data")));
}

// The data stand after this script: of a file that was cut short it can still tell.
function start() {
  begin().catch((error) => {
    const told = String(error && error.message ? error.message : error);
    complain(error instanceof DamageError ? `${DAMAGED.join(" / ")} (${told}).` : told);
  });
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
